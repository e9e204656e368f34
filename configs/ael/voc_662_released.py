# AEL on VOC 2012 as its code was released: padding is the first class, the
# best of all epochs on 513x513 pixels counts, and the teacher predicts in
# train mode with BatchNorm statistics of its own.
_base_ = ['./voc_662.py']
data = dict(
    variant='released',
    paste=[_base_.paste_scale, _base_.pad_around, _base_.crop, _base_.flip],
)
model = dict(semi_train_cfg=dict(teacher_mode='train'))
train_cfg = dict(val_interval='1 epoch')
hooks = dict(teacher=dict(buffers='own'))
default_hooks = dict(checkpoint=dict(save_best='voc513/mIoU'))
