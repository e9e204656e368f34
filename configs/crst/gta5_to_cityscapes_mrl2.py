# CRST-MRL2. Its weight was not published; this is our choice.
_base_ = ['../cbst/gta5_to_cityscapes_deeplabv2.py']
model = dict(objective=dict(regularizer='l2', loss_weight=0.01))
