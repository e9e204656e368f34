# cocostuff171 where pixels without annotation and padding get pseudo-labels.
_base_ = './cocostuff171.py'
model = dict(semi_train_cfg=dict(merge_ignore=True))
