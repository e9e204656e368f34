# DST-CBC on CamVid at its own 480x360, in mixed precision, for a GPU. The
# recipe is that of camvid_1-16.py, which says why; not trained by us.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/camvid_480x360.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/default_runtime.py',
]
criterion = dict(
    type='ClassBalancedCrossEntropyLoss',
    mode='sqrt_inverse',
    class_frequency='labeled',
)
student = _base_.model
student.data_preprocessor.size = _base_.crop_size
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/mobilenet_v2_in1k_mmseg.pth'
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(
        type='DynamicSelfTrainingLoss', gamma=1, criterion=criterion
    ),
)
optim_wrapper = dict(type='AmpOptimWrapper')
load, crop_flip_pack = _base_.pseudo_pipeline[:2], _base_.pseudo_pipeline[2:]
pseudo_pipeline = (
    load
    + [
        dict(type='RandomScale', ratio_range=(0.75, 1.75)),
        dict(type='PadSegFields', size=_base_.crop_size),
    ]
    + crop_flip_pack[:-1]
    + [dict(type='PhotoMetricDistortion')]
    + crop_flip_pack[-1:]
)
semi_dataloader = dict(
    dataset=dict(unlabeled=dict(dataset=dict(pipeline=pseudo_pipeline)))
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=600,
    portions=(0.5, 0.8),
    iters_per_round=200,
)
custom_hooks = [
    dict(type='ClassFrequencyHook'),
    dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='argmax', stride=1
        ),
        undo_class_weights=True,
        amp='float16',
        flip=True,
        scales=(1.0, 1.5),
    ),
]
