# With the transforms and learning rate of DST-CBC as published, 530 images;
# --split as for voc_1464.py.
_base_ = ['./voc_1464.py']
data = dict(variant='paper', split='20_0')
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
