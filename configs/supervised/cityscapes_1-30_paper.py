# With the transforms and learning rate of DST-CBC as published.
_base_ = ['./cityscapes_1-30.py']
data = dict(variant='paper')
optim_wrapper = dict(optimizer=dict(lr=0.002))
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
