# U2PL on top of AEL: adaptive mixing, and consistency sampled and weighted by
# class confidence; entropies drop labels as in cityscapes_744.py. The rule of
# the published branch, whose sign is reversed, is
# model.pseudo_labeler.type=ReleasedAELPseudoLabeler. The contrast starts in
# epoch 20, as there. Published for --split 186, 372 and 1488, too.
_base_ = ['./cityscapes_744.py']
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
data = dict(
    batch=dict(labeled=16, paste=16, unlabeled=8),
    partners=True,
    paste=[
        dict(
            type='RandomChoice',
            transforms=[
                [dict(type='RandomScale', ratio_range=(0.1, 1.0))],
                [dict(type='RandomScale', ratio_range=(1.0, 2.0))],
            ],
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
)
# The teacher averages from the first iteration on.
hooks = dict(
    teacher=dict(copy_until=0), partners=dict(type='CutMixPartnerHook')
)
# What the published rate of 0.01, weight decay of 1e-4 and heads of ten times
# that amount to: its code divides losses by the number of processes, eight,
# once more than gradients are averaged. For SGD with momentum a gradient of an
# eighth is a rate of an eighth with eight times the weight decay.
optim_wrapper = dict(
    optimizer=dict(lr=0.01 / 8, weight_decay=8 * 1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10.0),
            'auxiliary_head': dict(lr_mult=10.0),
        }
    ),
)
