"""The spatial prior, its tool and the labeler that reads its file."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmsemi.models.pseudo_labelers import CBSTPseudoLabeler
from mmsemi.prepare.spatial_prior import count, default_sigma, spatial_prior
from mmsemi.utils.errors import UsageError
from tests.tools.test_split_tools import Tool

prior_tool = Tool('spatial-prior')


def test_ignored_pixels_and_absent_classes():
    labels = np.array([[0, 255], [1, 254]], np.uint8)
    counts, number = count([labels, labels], 3, (2, 2))
    assert number == 2 and counts.sum() == 4
    prior = spatial_prior(counts, number, 0)
    assert prior[:, 0, 0].tolist() == [1, 0, 0] and not prior[2].any()
    nothing, number = count([np.full((2, 2), 255)], 3, (2, 2))
    assert not spatial_prior(nothing, number, 3).any()
    assert not spatial_prior(count([], 3, (2, 2))[0], 0, 3).any()


def test_maps_are_brought_to_one_size():
    labels = np.array([[0, 1], [1, 0]])
    counts, _ = count([labels, labels.repeat(4, 0).repeat(3, 1)], 2, (4, 6))
    assert (counts[0] == 2 * (labels.repeat(2, 0).repeat(3, 1) == 0)).all()


def test_smoothing_scales_with_the_size():
    assert default_sigma((1024, 2048)) == pytest.approx(70 / 6)
    assert default_sigma((256, 512)) == pytest.approx(70 / 24)
    counts = np.zeros((1, 9, 9), np.int32)
    counts[0, 4, 4] = 1
    prior = spatial_prior(counts, 1, 1.0)
    assert prior.sum() == pytest.approx(1) and 0 < prior[0, 0, 4] < prior.max()


@pytest.fixture
def source(tmp_path):
    """A config of five masks: class 0 above, class 1 below, none of 2."""
    for k in range(5):
        mask = np.zeros((10, 20), np.uint8)
        mask[5 + k % 2 :] = 1
        mask[0] = 255
        for folder, array in (('images', mask), ('masks', mask)):
            path = tmp_path / folder / f'{k}.png'
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), array)
    config = Config(
        dict(
            train_dataloader=dict(
                dataset=dict(
                    type='BaseSegDataset',
                    img_suffix='.png',
                    pipeline=[],
                    metainfo=dict(classes=['up', 'down', 'none']),
                    data_prefix=dict(
                        img_path=str(tmp_path / 'images'),
                        seg_map_path=str(tmp_path / 'masks'),
                    ),
                )
            )
        )
    )
    path = tmp_path / 'config.py'
    config.dump(str(path))
    return str(path)


def test_tool(source, tmp_path, capsys):
    out = str(tmp_path / 'new/prior.npz')
    args = [
        source,
        '--out',
        out,
        '--size',
        '10',
        '20',
        '--sigma',
        '1',
        '--workers',
        '2',
    ]
    prior_tool.main(args)
    with np.load(out) as file:
        assert file['classes'].tolist() == ['up', 'down', 'none']
        assert file['size'].tolist() == [10, 20]
        assert file['sigma'] == 1 and file['images'] == 5
        prior = file['prior']
    assert prior.dtype == np.float32 and prior.shape == (3, 10, 20)
    assert prior[:2].sum((1, 2)) == pytest.approx([1, 1], rel=1e-5)
    assert prior[0, 2, 0] > prior[1, 2, 0] and prior[1, 9, 0] > prior[0, 9, 0]
    printed = capsys.readouterr().out
    assert 'no pixel of none' in printed and '5 images' in printed
    with pytest.raises(UsageError, match='--overwrite'):
        prior_tool.main(args)

    # The labeler takes the file; at another size, too.
    labeler = CBSTPseudoLabeler(3, prior=out)
    labeler.thresholds = torch.full((3,), 1e-4)
    labels = labeler(torch.full((1, 3, 20, 40), 1 / 3)).labels
    assert (labels[0, 2:6] == 0).all() and (labels[0, 16:] == 1).all()


@pytest.mark.parametrize('kind', ['1 bit', '16 bits'])
def test_masks_of_any_depth(source, tmp_path, kind):
    """What training reads of them counts."""
    for path in sorted((tmp_path / 'masks').iterdir()):
        mask = cv2.imread(str(path), -1)
        if kind == '1 bit':
            Image.fromarray(mask == 1).save(path)
        else:
            cv2.imwrite(str(path), mask.astype(np.uint16))
    args = [source, '--out', str(tmp_path / 'prior.npz'), '--sigma', '0']
    prior_tool.main([*args, '--size', '10', '20'])
    with np.load(tmp_path / 'prior.npz') as file:
        up, down, none = file['prior'][:, :, 0] > 0
    assert up.tolist() == [kind == '1 bit'] + [True] * 5 + [False] * 4
    assert down.tolist() == [False] * 5 + [True] * 5 and not none.any()


def test_a_mask_with_what_is_no_class(source, tmp_path):
    path = str(tmp_path / 'masks/3.png')
    cv2.imwrite(path, np.full((10, 20), 300, np.uint16))
    with pytest.raises(UsageError, match='3.png: value 300 is no class'):
        prior_tool.main([source, '--out', str(tmp_path / 'prior.npz')])
    cv2.imwrite(path, np.zeros((10, 20, 3), np.uint8))
    with pytest.raises(UsageError, match='3.png: mask has 3 channels'):
        prior_tool.main([source, '--out', str(tmp_path / 'prior.npz')])
    assert not (tmp_path / 'prior.npz').exists()


def test_a_config_without_masks(tmp_path):
    config = Config(
        dict(
            train_dataloader=dict(
                dataset=dict(type='ConcatDataset', datasets=[])
            )
        )
    )
    config.dump(str(tmp_path / 'config.py'))
    with pytest.raises(UsageError, match='0 data sets'):
        prior_tool.main([str(tmp_path / 'config.py'), '--out', 'x.npz'])
