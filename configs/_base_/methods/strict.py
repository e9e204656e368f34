# STRICT in one round after SPNet, in whatever data set.
_base_ = [
    '../models/semantic-embedding_deeplabv2_r101-d8.py',
    '../schedules/zero_label_sgd.py',
    '../default_runtime.py',
]
model = dict(
    _delete_=True,
    type='ZeroLabelSegmentor',
    student=_base_.model,
    views=dict(mirror=True, scales='up'),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    portions=(1.0,),  # one round; labels are made online
)
hooks = dict(
    generator=dict(type='GeneratorRefreshHook'),
    views=dict(type='ViewPictureHook'),
)
