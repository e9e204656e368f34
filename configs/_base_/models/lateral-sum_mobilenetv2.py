# MobileNetV2 with a light head, 1.9 M parameters: for CamVid and for CPUs.
#
# A plain mmseg segmentor, like every file of this folder: supervised configs
# use it as it is. A method wraps it, in a config that has the supervised one
# as its base:
#
#   _base_ = ['../supervised/camvid_1-16.py']
#   model = dict(
#       _delete_=True,
#       type='SelfTrainingSegmentor',
#       student=_base_.model,
#       objective=dict(type='DynamicSelfTrainingLoss', gamma=9))
#
# mmsemi keeps the keys of the plain model out of the wrapper by itself;
# `_delete_` says so to programs that read configs with mmengine alone. The
# wrapper takes its data preprocessor from the student; `data_preprocessor=
# dict(...)` beside `student` changes single settings of it, such as `size`.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=(144, 176),
    ),  # the crop, height first
    backbone=dict(
        type='MobileNetV2',
        widen_factor=1.0,
        strides=(1, 2, 2, 2, 1, 2, 1),
        dilations=(1, 1, 1, 1, 1, 1, 1),
        out_indices=(1, 2, 4, 6),
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type='LateralSumHead',
        in_channels=[24, 32, 96, 320],
        in_index=[0, 1, 2, 3],
        channels=96,
        num_classes=11,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
