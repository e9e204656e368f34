# STRICT on VOC, 15 seen and 5 unseen classes: SPNet, then one round of
# self-training on what six views (mirrored, 1.5 and 1.75 times the size) agree
# on. Published settings, but void and padding stay ignored: see voc12_paper.
_base_ = [
    '../_base_/methods/strict.py',
    '../_base_/datasets/zero_label_voc12.py',
]
train_cfg = dict(supervised_iters=20000, iters_per_round=2000)
default_hooks = dict(checkpoint=dict(interval=1000))
