# SPNet on COCO-Stuff 164k, 167 seen and 15 unseen classes, published settings
# (the script that evaluates takes the checkpoint of iteration 20000).
_base_ = [
    '../_base_/methods/spnet.py',
    '../_base_/datasets/zero_label_cocostuff.py',
]
train_cfg = dict(max_iters=100000, val_interval=10000)
default_hooks = dict(checkpoint=dict(interval=10000))
