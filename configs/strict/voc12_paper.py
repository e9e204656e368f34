# voc12 as the published code: void and padding get pseudo-labels, too.
_base_ = './voc12.py'
model = dict(semi_train_cfg=dict(merge_ignore=True))
