# SPNet on VOC, 15 seen and 5 unseen classes, published settings.
_base_ = [
    '../_base_/methods/spnet.py',
    '../_base_/datasets/zero_label_voc12.py',
]
train_cfg = dict(max_iters=20000, val_interval=2000)
default_hooks = dict(checkpoint=dict(interval=2000))
