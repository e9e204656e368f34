# SPNet on COCO-Stuff 164k, 167 seen and 15 unseen classes, published settings
# (the script that evaluates takes the checkpoint of iteration 20000).
_base_ = [
    '../_base_/models/semantic-embedding_deeplabv2_r101-d8.py',
    '../_base_/datasets/zero_label_cocostuff.py',
    '../_base_/schedules/zero_label_sgd.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    _delete_=True,
    type='SPNet',
    student=_base_.model,
    semi_test_cfg=dict(scales=(0.5, 0.75)),
)
train_cfg = dict(max_iters=100000, val_interval=10000)
default_hooks = dict(checkpoint=dict(interval=10000))
