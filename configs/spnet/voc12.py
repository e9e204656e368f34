# SPNet on VOC, 15 seen and 5 unseen classes, published settings.
_base_ = [
    '../_base_/models/semantic-embedding_deeplabv2_r101-d8.py',
    '../_base_/datasets/zero_label_voc12.py',
    '../_base_/schedules/zero_label_sgd.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    _delete_=True,
    type='SPNet',
    student=_base_.model,
    semi_test_cfg=dict(scales=(0.5, 0.75)),
)
train_cfg = dict(max_iters=20000, val_interval=2000)
default_hooks = dict(checkpoint=dict(interval=2000))
