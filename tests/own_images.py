# Mean Teacher with CutMix on images of which a test knows all.
#
# Tests replace data/my_data by their folder.
_base_ = [
    'mmsemi::_base_/models/lateral-sum_mobilenetv2.py',
    'mmsemi::_base_/schedules/camvid_adamw.py',
    'mmsemi::_base_/online_runtime.py',
]
data_root = 'data/my_data'
labeled = f'{data_root}/labeled.txt'
unlabeled = f'{data_root}/unlabeled.txt'
val = f'{data_root}/val.txt'
classes = ('background', 'scratch', 'dent')
palette = [[0, 0, 0], [220, 20, 60], [0, 130, 200]]

data = dict(
    labeled=dict(
        type='BaseSegDataset',
        metainfo=dict(classes=classes, palette=palette),
        data_prefix=dict(
            img_path=f'{data_root}/images', seg_map_path=f'{data_root}/masks'
        ),
        img_suffix='.jpg',
        seg_map_suffix='.png',
    ),
    val=dict(ann_file=val),
    splits=dict(mine=dict(lists=(labeled, unlabeled))),
    split='mine',
    crop_size=(512, 512),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    batch=dict(labeled=4, unlabeled=4),
    num_workers=4,
)
student = _base_.model
student.backbone.init_cfg = None
criterion = dict(
    type='ClassBalancedCrossEntropyLoss',
    mode='sqrt_inverse',
    class_frequency='labeled',
)
student.decode_head.loss_decode = criterion
model = dict(
    _delete_=True,
    type='MeanTeacher',
    student=student,
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.7),
    unsup_loss=dict(type='PseudoLabelCrossEntropyLoss', criterion=criterion),
    mixing=dict(type='CutMix', box='cutmix_seg', prob=1.0),
    semi_test_cfg=dict(predict_on='teacher'),
)
train_cfg = dict(max_iters=20000, val_interval=2000)
hooks = dict(
    class_frequency=dict(type='ClassFrequencyHook'),
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='ema',
    ),
    pictures=dict(type='TrainingPictureHook'),
    collapse=dict(type='CollapseHook', on_collapse='warn'),
)
