# DeepLab-v2 on GTA5, tested on Cityscapes: CRST's source model.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8_crst.py',
    '../_base_/datasets/gta5_to_cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/source_runtime.py',
]
data = dict(
    crop_size=(500, 500),
    augment=[_base_.scale, _base_.crop, *_base_.pad_and_flip],
)
model = dict(
    backbone=dict(
        init_cfg=dict(  # torchvision's IMAGENET1K_V1
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/'
            'resnet101-63fe2227.pth',
        )
    )
)
optim_wrapper = dict(
    optimizer=dict(lr=2.5e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(max_iters=100000, val_interval=10000)
