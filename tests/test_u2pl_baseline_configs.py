"""The baselines of U2PL differ from it in the unlabeled images alone."""

import copy
import re

import pytest
from mmengine.config import Config

from mmsemi.datasets.splits import config_datasets
from tests.conftest import ROOT

PATHS = sorted(ROOT.glob('configs/supervised/u2pl_*.py'))
CPS = sorted(ROOT.glob('configs/u2pl/voc_cps_*.py'))


def lists(cfg: Config) -> dict:
    return {
        role: dataset.get('ann_file') for role, dataset in config_datasets(cfg)
    }


def test_every_split_has_a_baseline() -> None:
    splits = [
        path.stem
        for path in ROOT.glob('configs/u2pl/*.py')
        if re.fullmatch(r'(voc|cityscapes)_\d+', path.stem)
    ]
    assert sorted(f'u2pl_{split}' for split in splits) == [
        path.stem for path in PATHS
    ]
    assert len(PATHS) == 13


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
def test_baseline_is_u2pl_without_unlabeled_images(path) -> None:
    cfg = Config.fromfile(path)
    full = Config.fromfile(
        ROOT / 'configs/u2pl' / path.name.removeprefix('u2pl_')
    )
    student = copy.deepcopy(full.model.student)
    student.decode_head.pop('representation_head')
    assert cfg.model.to_dict() == student.to_dict()
    for key in (
        'optim_wrapper',
        'train_cfg',
        'param_scheduler',
        'test_evaluator',
        'test_dataloader',
    ):
        assert cfg[key] == full[key], key
    found, wanted = lists(cfg), lists(full)
    assert wanted.pop('unlabeled') and found == wanted
    assert (
        cfg.train_dataloader.batch_size
        == full.train_dataloader.sampler.samples_per_source[0]
    )
    pipeline = full.train_dataloader.dataset.labeled.pipeline
    assert (
        cfg.train_dataloader.dataset.pipeline
        == pipeline[:-1] + pipeline[-1]['sup']
    )


@pytest.mark.parametrize('path', CPS, ids=lambda path: path.stem)
def test_lists_of_cps(path) -> None:
    cfg = Config.fromfile(path)
    name = path.stem.removeprefix('voc_cps_').replace('-', '_')
    folder = f'data/splits/voc12/unimatch/{name}'
    assert lists(cfg)['labeled'] == f'{folder}/labeled.txt'
    assert lists(cfg)['unlabeled'] == f'{folder}/unlabeled.txt'
    # As long as with the lists of U2PL, which are as large.
    assert (
        str(cfg.train_cfg.max_iters)
        in path.parent.joinpath('README.md')
        .read_text()
        .split(f'({path.name})')[1]
        .split('\n')[0]
    )


@pytest.mark.parametrize('path', CPS, ids=lambda path: path.stem)
def test_sizes_of_published_lists(path, data_dir) -> None:
    name = path.stem.removeprefix('voc_cps_').replace('-', '_')
    folder = data_dir / f'splits/unimatch/pascal/{name}'
    sizes = [
        len((folder / f'{kind}.txt').read_text().splitlines())
        for kind in ('labeled', 'unlabeled')
    ]
    text = path.read_text()
    assert all(
        f'{size} {kind}' in text
        for size, kind in zip(sizes, ('labeled', 'unlabeled'))
    )
