# U2PL's baseline as its code was released: as many passes over the labeled
# list, padding is background, the best of all epochs on 513x513 pixels counts.
_base_ = ['./u2pl_voc_1464.py']
data = dict(variant='released')
train_cfg = dict(max_iters='80 labeled epochs', val_interval='1 labeled epoch')
default_hooks = dict(checkpoint=dict(save_best='voc513/mIoU'))
