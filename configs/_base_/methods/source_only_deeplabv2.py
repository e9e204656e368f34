# CRST's source model: DeepLab-v2 from ImageNet weights.
_base_ = [
    '../models/deeplabv2_r101-d8_crst.py',
    '../schedules/sgd_poly.py',
    '../source_runtime.py',
]
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
