# DST-CBC with the published transforms and rule (arXiv 2004.08514 v1), 1/30 of
# Cityscapes. The settings of the rounds are not published for Cityscapes:
# gamma is that of VOC, learning rate and epochs are the program's defaults,
# the interval of validation is our choice.
_base_ = [
    '../_base_/methods/dst_cbc_paper.py',
    '../_base_/datasets/cityscapes_half.py',
]
data = dict(variant='paper')
# Best snapshot of configs/supervised/cityscapes_1-30_paper.py on this split.
load_from = 'data/weights/supervised_cityscapes_{split}_paper.pth'
train_cfg = dict(val_interval=500)
