# Mean Teacher with CutMix on images of your own. Copy this file and change the
# first block, and whatever else you like: any mmseg model can be the student,
# any method's `model` can take this one's place.
#
# Expected are data/my_data/images/*.jpg, masks of the same name as *.png in
# data/my_data/masks (one byte a pixel: ids of the classes in their order, 255
# where unknown), and lists with one image a line, without suffix. Masks of
# unlabeled images are not needed and never read.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/online_runtime.py',
]
data_root = 'data/my_data'
labeled = f'{data_root}/labeled.txt'
unlabeled = f'{data_root}/unlabeled.txt'
val = f'{data_root}/val.txt'
classes = ('background', 'scratch', 'dent')
palette = [[0, 0, 0], [220, 20, 60], [0, 130, 200]]
scale_range = (0.5, 2.0)
crop_size = (512, 512)  # height, width
max_iters = 20000

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
    crop_size=crop_size,
    augment=[
        dict(type='RandomScale', ratio_range=scale_range),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    # FixMatch changes the colors of what the student sees:
    # strong=[dict(type='ColorJitter')],
    batch=dict(labeled=4, unlabeled=4),
    num_workers=4,
)
student = _base_.model
student.backbone.init_cfg = None  # or dict(type='Pretrained', checkpoint=...)
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
train_cfg = dict(max_iters=max_iters, val_interval=2000)
hooks = dict(
    class_frequency=dict(type='ClassFrequencyHook'),
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='ema',
    ),
    pictures=dict(type='TrainingPictureHook'),
    # One line when a class dies; 'restore' goes back once, 'stop' stops.
    collapse=dict(type='CollapseHook', on_collapse='warn'),
)
