# voc12 with six rounds, as many as are reported to help.
_base_ = './voc12.py'
train_cfg = dict(portions=(1.0,) * 6)
