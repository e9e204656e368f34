# STRICT on VOC, 15 seen and 5 unseen classes: SPNet, then one round of
# self-training on what six views (mirrored, 1.5 and 1.75 times the size) agree
# on. Published settings, but void and padding stay ignored: see voc12_paper.
_base_ = [
    '../_base_/models/semantic-embedding_deeplabv2_r101-d8.py',
    '../_base_/datasets/zero_label_voc12.py',
    '../_base_/schedules/zero_label_sgd.py',
    '../_base_/default_runtime.py',
]
student = _base_.model
student.decode_head.update(
    classes=_base_.classes, num_seen=_base_.num_seen, **_base_.word_vectors
)
model = dict(
    _delete_=True,
    type='ZeroLabelSegmentor',
    student=student,
    views=dict(mirror=True, scales='up'),
)
# Published for the rounds: padding is black, and nine of ten are mirrored.
semi_pipeline = (
    _base_.load
    + [
        dict(type='RandomScale', ratio_range=(0.5, 1.5)),
        dict(type='CenterPadFields', size=_base_.warp),
        dict(type='RandomCrop', crop_size=_base_.crop_size),
        dict(type='RandomFlip', prob=0.9),
        _base_.labels,
    ]
    + _base_.pack
)
semi_dataloader = dict(dataset=dict(pipeline=semi_pipeline))
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=20000,
    portions=(1.0,),  # one round; labels are made online
    iters_per_round=2000,
)
custom_hooks = [
    dict(type='GeneratorRefreshHook'),
    dict(type='ViewPictureHook'),
]
default_hooks = dict(checkpoint=dict(interval=1000))
