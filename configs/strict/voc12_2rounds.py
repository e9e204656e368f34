# voc12 with a second round, labeled by the model of the first.
_base_ = './voc12.py'
train_cfg = dict(portions=(1.0, 1.0))
