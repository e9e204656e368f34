# DeepLabV3+ on SYNTHIA, 16 classes, tested on Cityscapes. Network and
# schedule are our choice, after mmseg's for Cityscapes.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint='open-mmlab://resnet101_v1c'
        )
    ),
    decode_head=dict(num_classes=16),
    auxiliary_head=dict(num_classes=16),
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_dataloader = dict(batch_size=8)
max_iters = 40000
train_cfg = dict(max_iters=max_iters, val_interval=4000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1
