# DeepLabV3+ on SYNTHIA, 16 classes, tested on Cityscapes. Network and
# schedule are our choice, after mmseg's for Cityscapes.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/source_runtime.py',
]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint='open-mmlab://resnet101_v1c'
        )
    )
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
data = dict(batch=dict(alone=8))
train_cfg = dict(max_iters=40000, val_interval=4000)
