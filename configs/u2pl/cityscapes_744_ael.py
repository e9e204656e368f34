# U2PL on top of AEL: adaptive mixing, and consistency sampled and weighted by
# class confidence; entropies drop labels as in cityscapes_744.py. The rule of
# the published branch, whose sign is reversed, is
# model.pseudo_labeler.type=ReleasedAELPseudoLabeler. The contrast starts in
# epoch 20, as there.
_base_ = ['./cityscapes_744.py']
model = dict(
    type='U2PLWithAEL',
    pseudo_labeler=dict(type='EntropyPercentilePseudoLabeler'),
    unsup_loss=dict(_delete_=True, per_device=8),
    mixing=dict(_delete_=True, type='AdaptiveCutMix'),
    copy_paste=dict(type='AdaptiveCopyPaste'),
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
hooks = dict(partners=dict(type='CutMixPartnerHook'))
optim_wrapper = dict(
    optimizer=dict(weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10.0),
            'auxiliary_head': dict(lr_mult=10.0),
        }
    ),
)
