# CamVid at its own 480x360, in mixed precision, for a GPU. The recipe is that
# of camvid_1-16.py, which says why; not trained by us.
_base_ = ['../mean_teacher/camvid_1-16_480x360.py']
model = dict(
    type='AEL',
    unsup_loss=dict(
        _delete_=True,
        type='EqualizationConsistencyLoss',
        num_classes=11,
        criterion=_base_.criterion,
        bank=dict(momentum=0.01, skip_absent=True),
    ),
    mixing=dict(_delete_=True, type='AdaptiveCutMix'),
    copy_paste=dict(type='AdaptiveCopyPaste', excluded=(0, 1, 3, 4, 5)),
)
train_dataloader = dict(
    batch_size=16,
    sampler=dict(type='CutMixPartnerSampler', samples_per_source=(4, 4, 4)),
    dataset=dict(paste=dict(_base_.labeled, pipeline=_base_.paste_pipeline)),
)
custom_hooks = _base_.custom_hooks + [dict(type='CutMixPartnerHook')]
