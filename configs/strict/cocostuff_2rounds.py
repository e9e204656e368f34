# cocostuff with a second round, labeled by the model of the first.
_base_ = './cocostuff.py'
train_cfg = dict(portions=(1.0, 1.0))
