# STRICT on VOC, 15 seen and 5 unseen classes: SPNet, then one round of
# self-training on what six views (mirrored, 1.5 and 1.75 times the size) agree
# on. Published settings, but void and padding stay ignored: see voc12_paper.
_base_ = [
    '../_base_/models/semantic-embedding_deeplabv2_r101-d8.py',
    '../_base_/datasets/zero_label_voc12.py',
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
    supervised_iters=20000,
    portions=(1.0,),  # one round; labels are made online
    iters_per_round=2000,
)
hooks = dict(
    generator=dict(type='GeneratorRefreshHook'),
    views=dict(type='ViewPictureHook'),
)
default_hooks = dict(checkpoint=dict(interval=1000))
