"""Tiny networks and batches shared by the tests of the models."""

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample


def tiny_student(
    num_classes: int = 4, auxiliary: bool = False, embeddings: bool = False
) -> dict:
    """Config of a small plain mmseg segmentor (stride 8, 8 channels)."""
    norm_cfg = dict(type='BN', requires_grad=True)
    head = dict(
        type='FCNHead',
        in_channels=64,
        in_index=3,
        channels=8,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0,
        num_classes=num_classes,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss'),
    )
    model = dict(
        type='EncoderDecoder',
        data_preprocessor=dict(
            type='SegDataPreProcessor',
            mean=[0.0] * 3,
            std=[255.0] * 3,
            bgr_to_rgb=True,
            pad_val=0,
            seg_pad_val=255,
            size=(32, 32),
        ),
        backbone=dict(
            type='ResNetV1c',
            depth=18,
            base_channels=8,
            stem_channels=8,
            num_stages=4,
            out_indices=(0, 1, 2, 3),
            strides=(1, 2, 1, 1),
            dilations=(1, 1, 2, 4),
            norm_cfg=norm_cfg,
            norm_eval=False,
            style='pytorch',
            contract_dilation=True,
        ),
        decode_head=head,
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )
    if embeddings:
        # The classifier brings its classes and its loss itself.
        del head['num_classes'], head['loss_decode']
        model['decode_head'] = dict(
            type='SemanticEmbeddingHead',
            embeddings=torch.eye(num_classes).tolist(),
            num_seen=num_classes,
            head=head,
        )
    if auxiliary:
        model['auxiliary_head'] = dict(
            head,
            in_channels=32,
            in_index=2,
            loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4),
        )
    return model


def sample(
    label: torch.Tensor, confidence: torch.Tensor = None, **meta
) -> SegDataSample:
    """Data sample of a label map (H, W) and optionally a confidence map."""
    size = tuple(label.shape)
    item = SegDataSample(
        metainfo=dict(dict(ori_shape=size, img_shape=size), **meta)
    )
    item.gt_sem_seg = PixelData(data=label[None])
    if confidence is not None:
        item.gt_confidence = PixelData(data=confidence[None])
    return item


def batch(
    branches: dict,
    size=(32, 32),
    num_classes: int = 4,
    confidence: bool = False,
    seed: int = 0,
) -> dict:
    """Collated batch of random images, ``{branch: number of samples}``."""
    generator = torch.Generator().manual_seed(seed)
    result: dict = dict(inputs={}, data_samples={})
    for branch, count in branches.items():
        images = torch.randint(
            0, 256, (count, 3, *size), generator=generator, dtype=torch.uint8
        )
        labels = torch.randint(
            0, num_classes, (count, *size), generator=generator
        )
        labels[:, :2] = 255
        maps = torch.rand((count, *size), generator=generator)
        result['inputs'][branch] = list(images)
        result['data_samples'][branch] = [
            sample(y, c if confidence and branch == 'pseudo' else None)
            for y, c in zip(labels, maps)
        ]
    return result
