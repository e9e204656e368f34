# AEL on nuclei, 15 labeled and 450 unlabeled images, for a CPU: the recipe of
# camvid_1-16.py on that of ../mean_teacher/nuclei_1-32.py.
_base_ = ['../mean_teacher/nuclei_1-32.py']
model = dict(
    type='AEL',
    unsup_loss=dict(
        _delete_=True,
        type='EqualizationConsistencyLoss',
        num_classes=2,
        bank=dict(momentum=0.01, skip_absent=True),
    ),
    mixing=dict(_delete_=True, type='AdaptiveCutMix'),
    # Background is everywhere.
    copy_paste=dict(type='AdaptiveCopyPaste', excluded=(0,)),
)
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
