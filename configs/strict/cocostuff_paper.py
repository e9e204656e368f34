# cocostuff as published: pixels without annotation and padding get
# pseudo-labels, too.
_base_ = './cocostuff.py'
model = dict(semi_train_cfg=dict(merge_ignore=True))
