# ResNet-38 on GTA5, tested on Cityscapes: CBST's source model.
_base_ = [
    '../_base_/models/resnet38-d8.py',
    '../_base_/datasets/gta5_to_cityscapes.py',
    '../_base_/schedules/sgd_constant.py',
    '../_base_/source_runtime.py',
]
data = dict(variant='cbst')
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint='data/weights/resnet38_imagenet.pth'
        )
    )
)
# All biases are those of BatchNorm and of the head.
optim_wrapper = dict(
    optimizer=dict(lr=0.0016),
    paramwise_cfg=dict(
        custom_keys={'.bias': dict(lr_mult=2.0, decay_mult=0.0)}
    ),
)
train_cfg = dict(max_iters='30 labeled epochs', val_interval=4683)
