# SPNet, in whatever data set.
_base_ = [
    '../models/semantic-embedding_deeplabv2_r101-d8.py',
    '../schedules/zero_label_sgd.py',
    '../supervised_runtime.py',
]
model = dict(
    _delete_=True,
    type='SPNet',
    student=_base_.model,
    semi_test_cfg=dict(scales=(0.5, 0.75)),
)
