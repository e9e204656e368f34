# CRST-MRENT. Its weight was not published; this is our choice.
_base_ = ['../cbst/synthia_to_cityscapes_deeplabv2.py']
model = dict(objective=dict(regularizer='ent', loss_weight=0.01))
