# CPS with CutMix on VOC 2012 as published: voc_662.py with labels of
# unlabeled images alone, mixed by three boxes.
_base_ = ['./voc_662.py']
model = dict(mixing=_base_.cps_mixing, semi_train_cfg=dict(unsup_weight=1.0))
