# The network of UniMatch V2: DINOv2-B, four of its levels, and a DPT head
# without normalization. Sides of training images are multiples of 14; whole
# images are resized to the nearest ones. Needs mmpretrain.
#
# Weights: `mmsemi convert` makes them of the
# official file.
model = dict(
    type='FlexibleEncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(518, 518),
    ),  # the crop, height first
    backbone=dict(
        type='DINOv2',
        size='base',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/dinov2_vitb14_mmpretrain.pth',
        ),
    ),
    decode_head=dict(
        type='PatchDPTHead',
        in_channels=[768] * 4,
        in_index=[0, 1, 2, 3],
        input_transform='multiple_select',
        embed_dims=768,
        post_process_channels=[96, 192, 384, 768],
        channels=128,
        patch_size=14,
        norm_cfg=None,
        dropout_ratio=0.0,
        num_classes=21,
        align_corners=True,
        loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole', multiple_of=14),
)
