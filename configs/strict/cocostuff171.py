# STRICT on 171 classes of COCO-Stuff 164k, 156 seen and 15 unseen: evaluated
# on images of their own size, trained as in cocostuff.py.
_base_ = [
    '../_base_/models/semantic-embedding_deeplabv2_r101-d8.py',
    '../_base_/datasets/zero_label_cocostuff171.py',
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
    supervised_iters=100000,
    portions=(1.0,),  # one round; labels are made online
    iters_per_round=22356,
)
custom_hooks = [
    dict(type='GeneratorRefreshHook'),
    dict(type='ViewPictureHook'),
]
default_hooks = dict(checkpoint=dict(interval=2000))
