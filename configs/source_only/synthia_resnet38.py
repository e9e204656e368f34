# ResNet-38 on SYNTHIA, 16 classes, tested on Cityscapes: CBST's source model.
_base_ = [
    '../_base_/models/resnet38-d8.py',
    '../_base_/datasets/synthia_to_cityscapes_504.py',
    '../_base_/schedules/sgd_constant.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint='data/weights/resnet38_imagenet.pth'
        )
    ),
    decode_head=dict(num_classes=16),
)
# All biases are those of BatchNorm and of the head.
optim_wrapper = dict(
    optimizer=dict(lr=0.0016),
    paramwise_cfg=dict(
        custom_keys={'.bias': dict(lr_mult=2.0, decay_mult=0.0)}
    ),
)
train_cfg = dict(
    max_iters=29400,  # 50 epochs of 588, 9400 images
    val_interval=2940,
)
