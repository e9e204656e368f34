# AEL on CamVid, 23 labelled and 344 unlabelled images, for a CPU. The recipe
# is ours; classes are weighted on labelled images only.
_base_ = ['../mean_teacher/camvid_1-16.py']
model = dict(
    type='AEL',
    unsup_loss=dict(
        _delete_=True,
        type='EqualizationConsistencyLoss',
        num_classes=11,
        bank=dict(momentum=0.01, skip_absent=True)),
    mixing=dict(_delete_=True, type='AdaptiveCutMix'),
    # Sky, building, road, pavement and tree are everywhere.
    copy_paste=dict(type='AdaptiveCopyPaste', excluded=(0, 1, 3, 4, 5)))
