# U2PL on top of AEL: adaptive mixing, and consistency sampled and weighted by
# class confidence; entropies drop labels as in cityscapes_744.py. The rule of
# the published branch, whose sign is reversed, is
# model.pseudo_labeler.type=ReleasedAELPseudoLabeler. The contrast starts in
# epoch 20, as there. Published for --split 186, 372 and 1488, too.
_base_ = ['./cityscapes_744.py', '../_base_/ael_published.py']
model = dict(
    type='U2PLWithAEL',
    pseudo_labeler=dict(type='EntropyPercentilePseudoLabeler'),
    unsup_loss=dict(_delete_=True, per_device=8),
    mixing=dict(_delete_=True, type='AdaptiveCutMix'),
    copy_paste=dict(type='AdaptiveCopyPaste'),
    # Of the published weight of 0.1 an eighth is left beside the other losses:
    # it is divided by the number of processes twice.
    contrast=dict(loss_weight=0.1 / 8),
    semi_train_cfg=dict(contrast_start='20 epochs'),
)
data = _base_.ael_data
# The teacher averages from the first iteration on.
hooks = dict(
    teacher=dict(copy_until=0), partners=dict(type='CutMixPartnerHook')
)
optim_wrapper = _base_.ael_optim_wrapper
