# CPS with CutMix on Cityscapes as published: cityscapes_372.py with labels of
# unlabeled images alone, mixed by three boxes.
_base_ = ['./cityscapes_372.py']
model = dict(mixing=_base_.cps_mixing, semi_train_cfg=dict(unsup_weight=5.0))
