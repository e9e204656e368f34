# AugSeg on VOC 2012, 1464 labeled and 9118 unlabeled images, as published: two
# processes of 8 + 8 images there, one batch of 16 + 16 here.
_base_ = ['../_base_/methods/augseg.py', '../_base_/datasets/voc12_u2pl.py']
data = dict(
    augment=[
        # The longer side is 250 to 1000.
        dict(
            type='RandomResize',
            scale=(500, 500),
            ratio_range=(0.5, 2.0),
            resize_type='TorchResize',
            keep_ratio=True,
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    strong=[dict(type='RandomIntensityAug')],
    epoch=dict(processes=2),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(max_iters='80 epochs')
hooks = dict(teacher=dict(momentum=0.001))
