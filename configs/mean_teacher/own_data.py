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
    '../_base_/supervised_runtime.py',
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
    type='BaseSegDataset',
    metainfo=dict(classes=classes, palette=palette),
    data_prefix=dict(
        img_path=f'{data_root}/images', seg_map_path=f'{data_root}/masks'
    ),
    img_suffix='.jpg',
    seg_map_suffix='.png',
)
augment = [
    dict(type='RandomScale', ratio_range=scale_range),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PadSegFields', size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
branches = ['sup', 'unsup_teacher', 'unsup_student']
pack = [dict(type='PackSemiInputs')]
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
sup_pipeline = (
    load
    + augment
    + [dict(type='MultiBranch', branch_field=branches, sup=pack)]
)
# FixMatch changes the colors of what the student sees: unsup_student=[
# dict(type='ColorJitter')] + pack.
unsup_pipeline = (
    [dict(type='LoadImageFromFile'), dict(type='InitValidMap')]
    + augment
    + [
        dict(
            type='MultiBranch',
            branch_field=branches,
            unsup_teacher=pack,
            unsup_student=pack,
        )
    ]
)
train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SourceRatioSampler', samples_per_source=(4, 4)),
    dataset=dict(
        type='SemiDataset',
        labeled=dict(data, ann_file=labeled, pipeline=sup_pipeline),
        unlabeled=dict(
            type='UnlabeledDataset',
            dataset=dict(data, ann_file=unlabeled, pipeline=unsup_pipeline),
        ),
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(data, ann_file=val, pipeline=load + pack),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator

student = _base_.model
student.data_preprocessor.size = crop_size
student.backbone.init_cfg = None  # or dict(type='Pretrained', checkpoint=...)
student.decode_head.num_classes = len(classes)
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
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_iters + 1
custom_hooks = [
    dict(type='ClassFrequencyHook'),
    dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='ema',
    ),
    dict(type='TrainingPictureHook'),
]
