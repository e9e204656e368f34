# DeepLab-v2 as published with AdvSemiSeg, DST-CBC and DMT: ResNet-101 with
# the stride in the 3x3 convolution, trainable BatchNorm, output stride 8 and
# a head that sums two of its four atrous branches. See lateral-sum_*.py for
# how a method wraps this model.
#
# The AdvSemiSeg COCO weights (converted by `mmsemi convert`)
# expect BGR images in 0-255 minus the mean, as set here. For torchvision's
# ImageNet weights use bgr_to_rgb=True with ImageNet's mean and std.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[104.008, 116.669, 122.675],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
        pad_val=0,
        seg_pad_val=255,
        size=(321, 321),
    ),  # the crop, height first
    backbone=dict(
        type='ResNet',
        depth=101,
        num_stages=4,
        out_indices=(3,),
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='pytorch',
        contract_dilation=True,
    ),
    decode_head=dict(
        type='DeepLabV2Head',
        in_channels=2048,
        in_index=0,
        num_classes=21,
        dilations=(6, 12, 18, 24),
        used_branches=2,
        align_corners=True,
        loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
