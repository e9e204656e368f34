# CRST-MRKLD with the learning rates that the published code acted with.
_base_ = ['../cbst/gta5_to_cityscapes_deeplabv2_released.py']
model = dict(objective=dict(regularizer='kld', loss_weight=0.01))
