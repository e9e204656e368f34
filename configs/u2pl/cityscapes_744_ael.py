# U2PL on top of AEL: adaptive mixing, and consistency sampled and weighted by
# class confidence; entropies drop labels as in cityscapes_744.py. The rule of
# the published branch, whose sign is reversed, is
# model.pseudo_labeler.type=ReleasedAELPseudoLabeler. The contrast starts in
# epoch 20, as there.
_base_ = ['./cityscapes_744.py']
epoch = _base_.epoch
model = dict(
    type='U2PLWithAEL',
    pseudo_labeler=dict(type='EntropyPercentilePseudoLabeler'),
    mixing=dict(_delete_=True, type='AdaptiveCutMix'),
    copy_paste=dict(type='AdaptiveCopyPaste'),
    semi_train_cfg=dict(contrast_start=20 * epoch),
)
train_dataloader = dict(
    batch_size=48,
    sampler=dict(type='CutMixPartnerSampler', samples_per_source=(16, 16, 8)),
    dataset=dict(
        paste=dict(
            _base_.labeled,
            ann_file=f'{_base_.split}/labeled.txt',
            pipeline=_base_.paste_pipeline,
        )
    ),
)
custom_hooks = _base_.custom_hooks + [dict(type='CutMixPartnerHook')]
optim_wrapper = dict(
    optimizer=dict(weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10.0),
            'auxiliary_head': dict(lr_mult=10.0),
        }
    ),
)
