# CBST's source model: ResNet-38 from ImageNet weights.
_base_ = [
    '../models/resnet38-d8.py',
    '../schedules/sgd_constant_biases.py',
    '../source_runtime.py',
]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint='data/weights/resnet38_imagenet.pth'
        )
    )
)
optim_wrapper = dict(optimizer=dict(lr=0.0016))
