"""Source subsets, schedules and patches of rare classes."""

from unittest.mock import patch

import numpy as np
from PIL import Image

from mmsemi.datasets.samplers.source_subset import source_subset
from mmsemi.datasets.transforms import PadSegFields, RareClassCrop
from mmsemi.pseudo_labels.schedules import portion_schedule
from tests.oracles.kinds import files, load, numbered


def test_source_subsets(oracle_dir):
    for path in files(oracle_dir, 'cbst', 'crst_source_sampling'):
        for name, case in numbered(path, 'case').items():
            subset = source_subset(
                int(case['n']), float(case['portion_f64']), int(case['seed'])
            )
            assert len(subset) == int(case['num']), name
            np.testing.assert_array_equal(subset, case['indices'], name)


def test_schedules(oracle_dir):
    for path in files(oracle_dir, 'cbst', 'cbst_schedule'):
        a = load(path)
        rounds = int(a['num_rounds'])
        for name in ('tgt', 'src'):
            shares = portion_schedule(
                *[
                    float(a[f'{part}_{name}_port_f64'])
                    for part in ('init', 'step', 'max')
                ],
                rounds,
                as_released=True,
            )
            np.testing.assert_allclose(
                shares, a[f'{name}_port_f64'], rtol=1e-12
            )
        # The loop's `lr_scale`: relative to the first rate.
        scales = [float(a['lr_factor_f64']) ** k for k in range(rounds)]
        np.testing.assert_allclose(
            float(a['base_lr_f64']) * np.array(scales), a['lr_f64'], rtol=1e-12
        )
        np.testing.assert_array_equal(
            int(a['epochs_per_round']) * np.arange(1, rounds + 1),
            a['to_epoch'],
        )
        # The sampler's `resample` adds the round, counted from 1.
        seeds = (
            -1 + np.arange(1, rounds + 1)
            if a['policy']
            else np.full(rounds, int(a['seed_int']))
        )
        np.testing.assert_array_equal(seeds, a['seed'])


def crop_with(crop, labels, draws, integers):
    """Box of a crop whose random numbers are given."""
    results = dict(
        img=np.zeros((*labels.shape, 3), np.uint8), gt_seg_map=labels
    )
    asked = []

    def randint(*bounds):
        asked.append(bounds)
        return integers[len(asked) - 1]

    with (
        patch('numpy.random.uniform', side_effect=draws),
        patch('numpy.random.randint', side_effect=randint),
    ):
        return crop.crop_bbox(results), [bounds[0] for bounds in asked]


def test_crst_mining(oracle_dir):
    for path in files(oracle_dir, 'cbst', 'crst_mining'):
        a = load(path)
        size = (int(a['crop_h']), int(a['crop_w']))
        padded = PadSegFields(size).transform(
            dict(
                img=np.zeros((*a['label_train_id'].shape, 3), np.uint8),
                gt_seg_map=a['label_train_id'].astype(np.uint8),
                seg_fields=['gt_seg_map'],
            )
        )
        labels = padded['gt_seg_map']
        crop = RareClassCrop(
            size,
            prob=float(a['mine_chance_f64']),
            classes=a['mine_id'].tolist(),
        )
        for row in range(len(a['mined'])):
            offset = a['crop_offset'][row].tolist()
            # An unmined crop draws its corner instead.
            integers = a['picked'][row].tolist() if a['mined'][row] else offset
            draw = (
                a['draw_f64'][row] if np.ndim(a['draw_f64']) else a['draw_f64']
            )
            box, asked = crop_with(crop, labels, [float(draw)], integers)
            assert [box[0], box[2]] == offset
            assert [box[1], box[3]] == [o + s for o, s in zip(offset, size)]
            if a['mined'][row]:
                assert asked == [
                    int(a['num_candidate_ids'][row]),
                    int(a['num_candidate_pixels'][row]),
                ]
            np.testing.assert_array_equal(
                crop.crop(labels, box), a['label_crop'][row]
            )


def test_cbst_mining(oracle_dir):
    for path in files(oracle_dir, 'cbst', 'cbst_mining'):
        a = load(path)
        labels = a['label_train_id'].astype(np.uint8)
        for row in range(len(a['mined'])):
            name = f'{path.name} row {row}'
            side = int(a['src_crop_size'][row])
            scale = a['target_size'][row] / a['long_side']
            assert side == int(a['net_crop'] / scale), name
            corner = [int(a['crop_row0'][row]), int(a['crop_col0'][row])]
            # Of other rows the draws of the random place are not recorded.
            if a['mined'][row]:
                assert mined_corner(a, labels, row, side) == corner, name
            np.testing.assert_array_equal(
                sampled(labels, corner, side, a, row),
                a['label_out'][row],
                name,
            )


def mined_corner(a, labels, row, side):
    """Corner of our crop with the recorded draws."""
    crop = RareClassCrop(
        side,
        prob=1.0,
        inside=True,
        use_rarest=True,
        classes=a['mine_id_priority'].tolist(),
        rarest=a['mine_id'].tolist(),
    )
    seed = [int(a['seed_row'][row]), int(a['seed_col'][row])]
    # Which of the class and its pixels was drawn.
    present, half = candidates(labels, a, side)
    chosen = present.index(int(a['picked_id'][row]))
    inner = labels[half : -half - 1, half : -half - 1]
    pixels = np.argwhere(inner == a['picked_id'][row]) + half
    (pixel,) = np.flatnonzero((pixels == seed).all(1))
    box, asked = crop_with(crop, labels, [0.0], [chosen, int(pixel)])
    assert asked == [int(a['num_ids'][row]), int(a['num_pixels'][row])]
    return [box[0], box[2]]


def candidates(labels, a, side):
    half = side // 2
    inner = labels[half : -half - 1, half : -half - 1]
    for ids in (a['mine_id_priority'], a['mine_id']):
        present = [int(c) for c in ids if (inner == c).any()]
        if present:
            return present, half


def sampled(labels, corner, side, a, row):
    """What the network sees of a crop, whose border may lie outside.

    Resized with Pillow's nearest neighbor, looked at on every eighth pixel,
    then flipped.
    """
    net, stride = int(a['net_crop']), int(a['label_stride'])
    padded = np.pad(labels, side, constant_values=255)
    top, left = corner[0] + side, corner[1] + side
    part = Image.fromarray(padded[top : top + side, left : left + side])
    part = np.asarray(part.resize((net, net), Image.Resampling.NEAREST))
    part = part[stride // 2 :: stride, stride // 2 :: stride]
    return part[:, ::-1] if a['flip'][row] else part
