# DeepLab-v2 on SYNTHIA, 16 classes, tested on Cityscapes. CRST published no
# settings of this source model; these are those of GTA5.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8_crst.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
crop_size = (500, 500)
train_pipeline = (
    _base_.load
    + [
        _base_.source_size,
        dict(type='RandomScale', ratio_range=(0.5, 1.5)),
        dict(type='RandomCrop', crop_size=crop_size),
        dict(type='PadSegFields', size=crop_size),
        dict(type='RandomFlip', prob=0.5),
    ]
    + _base_.pack
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(
        init_cfg=dict(  # torchvision's IMAGENET1K_V1
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/'
            'resnet101-63fe2227.pth',
        )
    ),
    decode_head=dict(num_classes=16),
)
optim_wrapper = dict(
    optimizer=dict(lr=2.5e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
max_iters = 100000  # of 4 images
train_cfg = dict(max_iters=max_iters, val_interval=10000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1
