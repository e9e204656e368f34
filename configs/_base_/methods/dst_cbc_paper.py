# DST-CBC as published (arXiv 2004.08514 v1): scaled rule, each round from the
# best model so far, chosen on val. Round 0 is a finished baseline.
_base_ = ['./dst_cbc_deeplabv2.py']
train_cfg = dict(supervised_iters=0, start_from='best')
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
hooks = dict(labeling=dict(labeler=dict(rule='scaled', stride=16)))
