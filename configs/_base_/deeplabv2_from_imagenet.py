# DeepLab-v2 from ImageNet weights instead of those of COCO: nothing to
# convert, but other means of the images.
from_imagenet = dict(
    init_cfg=None,
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        init_cfg=dict(  # torchvision's IMAGENET1K_V1
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/'
            'resnet101-63fe2227.pth',
        )
    ),
)
