# UniMatch on VOC 2012, 1464 labeled and 9118 unlabeled images, as published:
# crops of 321, four processes of 2 + 2 images there, one batch of 8 + 8 here.
_base_ = ['../_base_/methods/unimatch.py', '../_base_/datasets/voc12_u2pl.py']
data = dict(
    _base_.unimatch_data,
    crop_size=(321, 321),
    batch=dict(alone=8, labeled=8, unlabeled=8),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.001),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(max_iters='80 epochs')
