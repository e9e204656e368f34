"""Evaluation of UniMatch: whole images, their middle, and windows of V2."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample

from mmsemi.evaluation.class_iou import class_areas
from mmsemi.registry import METRICS, TRANSFORMS
from tests.oracles.kinds import files, load, unserved


def mode_of(z) -> str:
    """How a file was evaluated, which only its arrays tell."""
    number = int(z['n_img'])
    if 'multiplier' in z:
        return 'resized'
    if len(z['window_hw']) != number:
        return 'sliding'
    whole = all(
        z[f'pred{k}'].shape == z[f'label{k}'].shape for k in range(number)
    )
    return 'original' if whole else 'center_crop'


def evaluated(z, k: int, mode: str) -> tuple:
    """Image and label map of what the official code hands to the network."""
    results = dict(
        img=z[f'img{k}'][0].transpose(1, 2, 0),
        gt_seg_map=z[f'label{k}'][0],
        seg_fields=['gt_seg_map'],
    )
    if mode == 'center_crop':
        size = int(z['crop_size'])
        crop = TRANSFORMS.build(dict(type='CenterCropFields', size=size))
        results = crop(results)
    image = torch.from_numpy(results['img'].transpose(2, 0, 1).copy())
    return image[None], torch.from_numpy(results['gt_seg_map'])[None]


def windows(z, image, network):
    """mmseg's windows over probabilities: V2 adds them up, which is the same.

    mmseg itself averages logits, so scores of close classes differ.
    """
    side = int(z['crop_size'])
    stride, seen = int(side * 2 / 3), []

    def probabilities(part, metas):
        seen.append(list(part.shape[2:]))
        return network(part).softmax(1)

    segmentor = SimpleNamespace(
        test_cfg=SimpleNamespace(
            crop_size=(side, side), stride=(stride, stride)
        ),
        out_channels=len(z['bias']),
        encode_decode=probabilities,
    )
    size = tuple(image.shape[2:])
    metas = [dict(img_shape=size, ori_shape=size)]
    return EncoderDecoder.slide_inference(segmentor, image, metas), seen


UNSERVED = {
    'eval_v1 sliding': 'windows that are cut off at the border',
    'eval_v2 resized': 'images resized to a multiple of the patch and back',
}


@pytest.mark.parametrize('kind', ['eval_v1', 'eval_v2'])
def test_evaluation(oracle_dir, kind) -> None:
    served = False
    for path in files(oracle_dir, 'unimatch', kind):
        z = load(path)
        mode = mode_of(z)
        if f'{kind} {mode}' in UNSERVED:
            unserved(path, UNSERVED[f'{kind} {mode}'])
            continue
        served = True
        weight, bias = (torch.from_numpy(z[k]) for k in ('weight', 'bias'))
        # A class that is absent counts 0.
        metric = METRICS.build(dict(type='IoUMetric', nan_to_num=0))
        metric.dataset_meta = dict(classes=[str(c) for c in range(len(bias))])
        wrong, seen = 0, []

        def network(x, weight=weight, bias=bias):
            return F.conv2d(x, weight, bias, padding=1)

        for k in range(int(z['n_img'])):
            image, label = evaluated(z, k, mode)
            if mode == 'sliding':
                scores, parts = windows(z, image, network)
            else:
                scores, parts = network(image), [list(image.shape[2:])]
            seen += parts
            pred = scores.argmax(1)
            found = int((pred.numpy() != z[f'pred{k}']).sum())
            assert found <= 2, path.name  # ties of floats
            wrong += found
            sample = SegDataSample(
                pred_sem_seg=PixelData(data=pred),
                gt_sem_seg=PixelData(data=label),
            )
            metric.process({}, [sample.to_dict()])
            areas = metric.results[-1][:2] + metric.results[-1][3:]
            for area, key in zip(areas, ('inter', 'union', 'target')):
                off = np.abs(area.numpy() - z[f'{key}{k}']).sum()
                assert off <= 2 * found, (path.name, key)
        assert seen == z['window_hw'].tolist()
        hit, union, _, _ = class_areas(metric.results)
        iou = 100 * hit / np.maximum(union, 1)
        allowed = 0.5 if wrong else 1e-6
        np.testing.assert_allclose(
            iou, z['iou_class_f64'], rtol=0, atol=allowed
        )
        # The metric rounds percent to two digits.
        found = metric.compute_metrics(metric.results)['mIoU']
        assert abs(found - z['miou_f64']) <= allowed + 5.1e-3
    if not served:
        pytest.skip(f'no file of {kind} that mmsemi can evaluate')
