# DST-CBC as published (arXiv 2004.08514 v1), 1/20 of VOC trainaug: distorted
# resize, scaled rule, each round from the best model so far, chosen on val.
# Settings of the rounds are published for 1/106 and 1/20 (--split 106_0); for
# 50_0, 8_0 and 4_0 they are those of 1/20.
_base_ = ['../_base_/methods/dst_cbc_paper.py', '../_base_/datasets/voc12.py']
data = dict(variant='paper', split='20_0')
# Best snapshot of configs/supervised/voc_1-20_paper.py on this split.
load_from = 'data/weights/supervised_voc_{split}_paper.pth'
train_cfg = dict(val_interval=1000)
