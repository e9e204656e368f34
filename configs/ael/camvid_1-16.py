# AEL on CamVid, 23 labeled and 344 unlabeled images, for a CPU. The recipe
# is ours.
_base_ = ['../mean_teacher/camvid_1-16.py']
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
    # Sky, building, road, pavement and tree are everywhere.
    copy_paste=dict(type='AdaptiveCopyPaste', excluded=(0, 1, 3, 4, 5)),
)
# Four labeled images, four to be pasted into them, four unlabeled images
# and a partner for each.
data = dict(
    batch=dict(paste=4),
    partners=True,
    paste=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
)
hooks = dict(partners=dict(type='CutMixPartnerHook'))
