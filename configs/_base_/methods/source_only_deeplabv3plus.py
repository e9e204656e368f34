# A source model of our choice: DeepLabV3+ from ImageNet weights, with a
# schedule after mmseg's for Cityscapes.
_base_ = [
    '../models/deeplabv3plus_r101-d8.py',
    '../schedules/sgd_poly.py',
    '../source_runtime.py',
]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint='open-mmlab://resnet101_v1c'
        )
    )
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_cfg = dict(max_iters=40000, val_interval=4000)
