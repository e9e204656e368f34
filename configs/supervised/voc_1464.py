# DeepLab-v2 on VOC 2012's own train, 1464 images, with the augmentation of
# DMT; --split 106_0, 50_0, 20_0, 8_0, 4_0, all.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/voc12.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    init_cfg=dict(
        type='Pretrained', checkpoint='data/weights/deeplabv2_r101_coco.pth'
    )
)
train_cfg = dict(
    max_iters='{epochs} labeled epochs', val_interval='{val_interval}'
)
