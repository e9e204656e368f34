"""Settings, hold-out and config of a training on somebody's own images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmsemi.engine.build import resolve
from mmsemi.prepare.fit_config import OwnData, config_text
from mmsemi.prepare.fit_settings import (
    METHODS,
    DataFacts,
    choose_settings,
    lines_of,
)
from mmsemi.prepare.holdout import draw_holdout, holdout_size
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError


def facts(size=(360, 480), pixels=(500, 400), unlabeled=90) -> DataFacts:
    return DataFacts(np.array([size] * 9), np.array(pixels), 9, unlabeled)


def chosen(found: DataFacts | None = None, **wishes) -> dict:
    settings = choose_settings(found or facts(), cpus=2, **wishes)
    assert all(s.reason for s in settings.values())
    assert len(lines_of(list(settings.values()))) == len(settings)
    return {name: s.value for name, s in settings.items()}


def test_settings_follow_the_data() -> None:
    small = chosen(facts((48, 100)))
    assert small['crop_size'] == (64, 96) and small['resize'] is None
    large = chosen(facts((3000, 4000)))
    assert large['resize'] == 320 and large['crop_size'] == (224, 256)
    assert chosen()['class_weights'] is None
    rare = chosen(facts(pixels=(5000, 0, 40)))
    assert rare['class_weights'] == 'sqrt_inverse'


def test_settings_follow_machine_and_wishes() -> None:
    cpu, gpu = chosen(), chosen(device='cuda')
    assert (cpu['amp'], gpu['amp']) == (False, True)
    assert gpu['crop_size'] > cpu['crop_size']
    assert cpu['num_workers'] == 1
    assert chosen(method='fixmatch')['method'] == 'fixmatch'
    assert chosen(replace(facts(), labeled=10))['method'] == 'dst_cbc'
    for change in (dict(labeled=9), dict(unlabeled=2000), dict(partly=True)):
        other = replace(facts(), **{'labeled': 10, **change})
        assert chosen(other)['method'] == 'mean_teacher'
    alone = chosen(facts(unlabeled=0), method='fixmatch')
    assert alone['method'] == 'supervised'
    assert 'unlabeled' not in alone['batch']
    assert chosen()['model'] == 'unet'
    assert chosen(weights='w.pth')['model'] == 'small'
    with pytest.raises(UsageError, match='--method best: no such method'):
        chosen(method='best')


@pytest.mark.parametrize('method', METHODS)
def test_the_config_of_each_method_builds(tmp_path, method) -> None:
    """Whatever folders and classes are called."""
    folder = tmp_path / "bob's {run} é"
    (folder / 'data').mkdir(parents=True)
    for name in ('labeled', 'unlabeled', 'holdout'):
        (folder / f'data/{name}.txt').write_text(f'{name} 1.JPG\n')
    weights = str(tmp_path / "w's.pth") if method == 'unimatch' else None
    if weights:  # of a classifier
        torch.save({'backbone.conv1.w': torch.zeros(1)}, weights)
    settings = choose_settings(
        facts((3000, 4000), (9000, 10)), method, weights=weights
    )
    names = ["it's", 'a\n"b"']
    data = OwnData("/my 'images'", names, [[0, 0, 0], [9, 9, 9]])
    begun = folder / 'twin/iteration_20.pth'
    begun.parent.mkdir()
    begun.touch()
    shared = 20 if method == 'mean_teacher' else 0
    text = config_text(
        'config.py', 'A model', settings, data, 40, 3, shared=shared
    )
    (folder / 'config.py').write_text(text)
    cfg = resolve(Config.fromfile(folder / 'config.py'))
    dataset = cfg.val_dataloader.dataset
    assert dataset.metainfo.classes == names
    assert dataset.data_prefix.seg_map_path == str(folder / 'data/masks')
    assert dataset.data_prefix.img_path == "/my 'images'"
    lengths = cfg.train_cfg
    if method == 'dst_cbc':
        assert lengths.supervised_iters == 20
        assert tuple(lengths.iters_per_round) == (10, 10)
    else:
        assert lengths.max_iters == 40 - shared
    if shared:
        assert Path(cfg.load_from).resolve() == begun
    assert cfg.randomness.seed == 3
    network = cfg.model.get('student', cfg.model)
    assert network.decode_head.num_classes == 2
    if weights:
        begin = dict(type='Pretrained', checkpoint=weights, prefix='backbone')
        assert network.backbone.init_cfg == begin
    network.backbone.init_cfg = None
    model = MODELS.build(cfg.model)
    if method != 'unimatch':  # the U-Net
        model.init_weights()
        spread = getattr(model, 'student', model).decode_head.conv_seg.weight
        assert spread.std() > 0.1


def test_holdout_leaves_every_class_to_learn_from() -> None:
    pixels = np.zeros((10, 3), np.int64)
    pixels[:, 0] = 100
    pixels[4, 1] = 50  # a class in one image must not be held out
    pixels[[2, 7], 2] = 30
    for seed in range(5):
        rows = draw_holdout(pixels, 2, seed)
        assert len(rows) == 2 and 4 not in rows
        # Of the class in two images one is to measure on.
        assert len({2, 7} & set(rows.tolist())) == 1


def test_holdout_is_a_fifth_and_never_all() -> None:
    assert [holdout_size(n) for n in (2, 7, 30, 10_000)] == [1, 1, 6, 100]
