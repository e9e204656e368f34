"""Evaluation of UniMatch: whole images, and the middle of them."""

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmsemi.evaluation.class_iou import class_areas
from mmsemi.registry import METRICS, TRANSFORMS
from tests.oracles.kinds import files, load, unserved


def mode_of(z) -> str:
    """How a file was evaluated, which only its arrays tell."""
    number = int(z['n_img'])
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


def test_v1(oracle_dir) -> None:
    for path in files(oracle_dir, 'unimatch', 'eval_v1'):
        z = load(path)
        mode = mode_of(z)
        if mode == 'sliding':
            unserved(path, 'windows that are cut off at the border')
            continue
        weight, bias = (torch.from_numpy(z[k]) for k in ('weight', 'bias'))
        # A class that is absent counts 0.
        metric = METRICS.build(dict(type='IoUMetric', nan_to_num=0))
        metric.dataset_meta = dict(classes=[str(c) for c in range(len(bias))])
        wrong = 0
        for k in range(int(z['n_img'])):
            image, label = evaluated(z, k, mode)
            assert tuple(image.shape[2:]) == tuple(z['window_hw'][k])
            pred = F.conv2d(image, weight, bias, padding=1).argmax(1)
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
        hit, union, _, _ = class_areas(metric.results)
        iou = 100 * hit / np.maximum(union, 1)
        allowed = 0.5 if wrong else 1e-6
        np.testing.assert_allclose(
            iou, z['iou_class_f64'], rtol=0, atol=allowed
        )
        # The metric rounds percent to two digits.
        found = metric.compute_metrics(metric.results)['mIoU']
        assert abs(found - z['miou_f64']) <= allowed + 5.1e-3
