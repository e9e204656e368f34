# From ImageNet weights: nothing to convert, and published for calibration
# (pytorch-auto-drive, docs/MODEL_ZOO.md). All of trainaug, 10582 images.
_base_ = ['./voc_1464.py']
data = dict(split='all')
# torchvision's IMAGENET1K_V1
imagenet = 'https://download.pytorch.org/models/resnet101-63fe2227.pth'
model = dict(
    init_cfg=None,
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=imagenet)),
)
