"""The baselines of U2PL differ from it in the unlabeled images alone."""

import copy

import pytest
from mmengine.config import Config

from mmsemi.datasets.splits import config_datasets
from tests.configs import config
from tests.test_online_configs import SIZES

SPLITS = [(data, str(n)) for data, sizes in SIZES.items() for n in sizes]
NAMES = dict(voc='voc_1464', cityscapes='cityscapes_744')
# Images of the lists of CPS, which have as many as some of U2PL.
CPS = {'1-16': 662, '1-8': 1323, '1-4': 2646}


def lists(cfg: Config) -> dict:
    return {
        role: dataset.get('ann_file') for role, dataset in config_datasets(cfg)
    }


@pytest.mark.parametrize('data, split', SPLITS)
def test_baseline_is_u2pl_without_unlabeled_images(data, split) -> None:
    cfg = config(f'supervised/u2pl_{NAMES[data]}', split)
    full = config(f'u2pl/{NAMES[data]}', split)
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


@pytest.mark.parametrize('split', CPS)
def test_lists_of_cps(split) -> None:
    cfg = config('u2pl/voc_1464', f'cps_{split}')
    folder = f'data/splits/voc12/unimatch/{split.replace("-", "_")}'
    assert lists(cfg)['labeled'] == f'{folder}/labeled.txt'
    assert lists(cfg)['unlabeled'] == f'{folder}/unlabeled.txt'
    # As long as with the lists of U2PL, which are as large.
    same = config('u2pl/voc_1464', str(CPS[split]))
    assert cfg.train_cfg == same.train_cfg


@pytest.mark.parametrize('split', CPS)
def test_sizes_of_published_lists(split, data_dir) -> None:
    folder = data_dir / f'splits/unimatch/pascal/{split.replace("-", "_")}'
    sizes = [
        len((folder / f'{kind}.txt').read_text().splitlines())
        for kind in ('labeled', 'unlabeled')
    ]
    assert sizes == [CPS[split], 10582 - CPS[split]]
