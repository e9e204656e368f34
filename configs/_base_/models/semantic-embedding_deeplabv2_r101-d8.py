# DeepLab-v2 with fixed word vectors for a classifier, as in SPNet and STRICT:
# Caffe-style ResNet-101 with frozen batch normalization, output stride 8, and
# the sum of four atrous branches with as many channels as a word vector.
#
# A plain mmseg segmentor. Configs add the classes to the head: `classes`,
# `num_seen` and the file of the vectors, all from the data set.
norm_cfg = dict(type='BN', requires_grad=False)
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
        type='DeepLabResNet',
        depth=101,
        num_stages=4,
        out_indices=(3,),
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        norm_cfg=norm_cfg,
        norm_eval=True,
        style='caffe',
        contract_dilation=False,
        # The original MSRA weights; nothing but ImageNet, so that no unseen
        # class is known from elsewhere.
        init_cfg=dict(
            type='Pretrained',
            checkpoint='open-mmlab://detectron2/resnet101_caffe',
        ),
    ),
    decode_head=dict(
        type='SemanticEmbeddingHead',
        embedding='fastnvec',
        loss_resolution='logits',
        head=dict(
            type='DeepLabV2Head',
            in_channels=2048,
            in_index=0,
            dilations=(6, 12, 18, 24),
            used_branches=4,
            align_corners=False,
            init_cfg=dict(type='Normal', layer='Conv2d', std=0.01),
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
