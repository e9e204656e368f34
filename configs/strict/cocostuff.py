# STRICT on COCO-Stuff 164k, 167 seen and 15 unseen classes. Pixels without
# annotation (255) stay ignored, so that only those of unseen classes are
# labeled: milder than the published task, for which see cocostuff_paper.py.
_base_ = [
    '../_base_/methods/strict.py',
    '../_base_/datasets/zero_label_cocostuff.py',
]
train_cfg = dict(supervised_iters=100000, iters_per_round=22356)
default_hooks = dict(checkpoint=dict(interval=2000))
