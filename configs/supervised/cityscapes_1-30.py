# DeepLab-v2 on 1/30 of Cityscapes, 100 images, at half resolution with the
# augmentation and learning rate of DMT; --split 30_0, 8_0, 4_0, all.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/cityscapes_half.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    init_cfg=dict(
        type='Pretrained',
        checkpoint='data/weights/deeplabv2_r101_coco_c19.pth',
    )
)
optim_wrapper = dict(optimizer=dict(lr=0.004))
train_cfg = dict(
    max_iters='{epochs} labeled epochs', val_interval='{val_interval}'
)
