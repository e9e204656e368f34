"""Evaluation of U2PL: metric, center padding and sliding windows."""

import math
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from mmseg.evaluation import IoUMetric
from mmseg.models.segmentors import EncoderDecoder

from mmsemi.registry import METRICS, TRANSFORMS
from tests.oracles.kinds import files, some
from tests.oracles.test_u2pl_pixel_losses import tensors


def stored(oracle_dir, prefix: str = 'c') -> list:
    """``(name, case)`` of all files; skips where there is none."""
    paths = files(oracle_dir, 'u2pl', 'eval_helpers')
    found = (case for path in paths for case in tensors(path, prefix))
    return some(found, f'case {prefix}<N>_')


def test_iou_with_absent_classes_as_zero(oracle_dir) -> None:
    for name, case in stored(oracle_dir):
        classes = int(case['num_classes'])
        areas = IoUMetric.intersect_and_union(
            case['pred'], case['target'], classes, 255
        )
        for ours, key in zip(areas, ('inter', 'union', None, 'tgt')):
            if key:
                assert torch.equal(ours.long(), case[key]), (name, key)
        metric = METRICS.build(
            dict(type='IoUMetric', nan_to_num=0, prefix='voc513')
        )
        metric.dataset_meta = dict(classes=[str(c) for c in range(classes)])
        metric.process(
            None,
            [
                dict(
                    pred_sem_seg=dict(data=case['pred']),
                    gt_sem_seg=dict(data=case['target']),
                )
            ],
        )
        found = metric.evaluate(1)
        # mmseg rounds percent to two digits.
        assert (
            abs(found['voc513/mIoU'] - 100 * case['miou'].item()) < 5.1e-3
        ), name


def test_center_pad_and_crop(oracle_dir) -> None:
    for name, case in stored(oracle_dir, 'crop'):
        size = int(case['size'])
        results = dict(
            img=case['image'][0].permute(1, 2, 0).numpy(),
            gt_seg_map=case['label'][0, 0].numpy(),
            seg_fields=['gt_seg_map'],
        )
        for cfg in (
            dict(type='CenterPadFields', size=size, seg_pad_val=0),
            dict(type='CenterCropFields', size=size),
        ):
            results = TRANSFORMS.build(cfg)(results)
        np.testing.assert_array_equal(
            results['img'], case['out_image'][0].permute(1, 2, 0), name
        )
        np.testing.assert_array_equal(
            results['gt_seg_map'], case['out_label'][0, 0], name
        )
        assert results['img_shape'] == (size, size)


def test_sliding_window_is_mmsegs(oracle_dir) -> None:
    for name, case in stored(oracle_dir, 'slide'):
        image, weight = case['image'], case['weight']
        crop = int(case['crop'])
        stride = math.ceil(crop * 2 / 3)

        def model(x, metas, weight=weight):
            y = F.conv2d(x, weight, stride=2, padding=1)
            return F.interpolate(
                y, x.shape[2:], mode='bilinear', align_corners=True
            )

        segmentor = SimpleNamespace(
            test_cfg=SimpleNamespace(
                crop_size=(crop, crop), stride=(stride, stride)
            ),
            out_channels=len(weight),
            align_corners=True,
            encode_decode=model,
        )
        # Where the window is larger than the image, theirs pads it with
        # the mean color on both sides and cuts the result.
        height, width = image.shape[2:]
        padded = dict(img=image[0].permute(1, 2, 0).numpy())
        padded = TRANSFORMS.build(dict(type='CenterPadFields', size=crop))(
            padded
        )['img']
        top = (padded.shape[0] - height) // 2
        left = (padded.shape[1] - width) // 2
        image = torch.from_numpy(padded).permute(2, 0, 1)[None]
        size = tuple(image.shape[2:])
        out = EncoderDecoder.slide_inference(
            segmentor, image, [dict(img_shape=size, ori_shape=size)]
        )
        np.testing.assert_allclose(
            out[0, :, top : top + height, left : left + width],
            case['out'],
            rtol=1e-5,
            atol=1e-6,
            err_msg=name,
        )
