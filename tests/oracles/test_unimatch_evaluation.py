"""Evaluation of UniMatch: whole images, their middle, and windows."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmsemi.evaluation.class_iou import class_areas
from mmsemi.models.segmentors import FlexibleEncoderDecoder
from mmsemi.registry import METRICS, TRANSFORMS
from tests.oracles.kinds import files, load


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


class Convolution(FlexibleEncoderDecoder):
    """The network of a file, tested as mmsemi's configs say."""

    def __init__(self, z, kind: str, mode: str) -> None:
        torch.nn.Module.__init__(self)
        weight, bias = (torch.from_numpy(z[k]) for k in ('weight', 'bias'))
        self.network = lambda x: F.conv2d(x, weight, bias, padding=1)
        self.out_channels = len(bias)
        self.seen: list = []
        side = int(z['crop_size'])
        stride = int(side * 2 / 3)
        cfg = dict(mode='whole')
        if mode == 'sliding':
            cfg = dict(
                mode='slide',
                crop_size=(side, side),
                stride=(stride, stride),
                added='probabilities',
                border='cut' if kind == 'eval_v1' else 'shift',
            )
        elif mode == 'resized':
            cfg['multiple_of'] = int(z['multiplier'])
        self.test_cfg = ConfigDict(cfg)

    def encode_decode(self, inputs, batch_img_metas):
        self.seen.append(list(inputs.shape[2:]))
        return self.network(inputs)


@pytest.mark.parametrize('kind', ['eval_v1', 'eval_v2'])
def test_evaluation(oracle_dir, kind) -> None:
    for path in files(oracle_dir, 'unimatch', kind):
        z = load(path)
        mode = mode_of(z)
        network = Convolution(z, kind, mode)
        # A class that is absent counts 0.
        metric = METRICS.build(dict(type='IoUMetric', nan_to_num=0))
        metric.dataset_meta = dict(
            classes=[str(c) for c in range(network.out_channels)]
        )
        wrong = 0
        for k in range(int(z['n_img'])):
            image, label = evaluated(z, k, mode)
            metas = [dict(ori_shape=image.shape[2:])]
            pred = network.inference(image, metas).argmax(1)
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
        assert network.seen == z['window_hw'].tolist()
        hit, union, _, _ = class_areas(metric.results)
        iou = 100 * hit / np.maximum(union, 1)
        allowed = 0.5 if wrong else 1e-6
        np.testing.assert_allclose(
            iou, z['iou_class_f64'], rtol=0, atol=allowed
        )
        # The metric rounds percent to two digits.
        found = metric.compute_metrics(metric.results)['mIoU']
        assert abs(found - z['miou_f64']) <= allowed + 5.1e-3
