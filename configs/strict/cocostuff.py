# STRICT on COCO-Stuff 164k, 167 seen and 15 unseen classes. Pixels without
# annotation (255) stay ignored, so that only those of unseen classes are
# labeled: milder than the published task, for which see cocostuff_paper.py.
_base_ = [
    '../_base_/models/semantic-embedding_deeplabv2_r101-d8.py',
    '../_base_/datasets/zero_label_cocostuff.py',
    '../_base_/schedules/zero_label_sgd.py',
    '../_base_/default_runtime.py',
]
model = dict(
    _delete_=True,
    type='ZeroLabelSegmentor',
    student=_base_.model,
    views=dict(mirror=True, scales='up'),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=100000,
    portions=(1.0,),  # one round; labels are made online
    iters_per_round=22356,
)
hooks = dict(
    generator=dict(type='GeneratorRefreshHook'),
    views=dict(type='ViewPictureHook'),
)
default_hooks = dict(checkpoint=dict(interval=2000))
