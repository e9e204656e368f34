# DeepLab-v2 of CRST: all four branches are summed, the stride is in the first
# 1x1 convolution (Caffe's style), BatchNorm is frozen at the statistics and
# weights it starts from, the first pooling rounds up, images are RGB as
# torchvision's weights expect them (made for the other style, as in the
# published code). 43.9 M parameters.
_base_ = ['./deeplabv2_r101-d8.py']
model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=(512, 1024),
    ),  # the crop, height first
    backbone=dict(
        type='DeepLabResNet',
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        style='caffe',
        contract_dilation=False,
    ),
    decode_head=dict(
        num_classes=19,
        used_branches=4,
        init_cfg=dict(type='Normal', layer='Conv2d', std=0.01),
    ),
)
