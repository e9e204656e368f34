"""What the pages on methods and data sets of one's own show works."""

import re

import pytest
from mmengine.config import Config

from mmsemi.engine.build import resolve
from tests.conftest import ROOT
from tests.processes import run_script


def blocks(page: str) -> list[str]:
    text = (ROOT / 'docs' / 'how_to' / page).read_text('utf-8')
    return re.findall(r'^```python\n(.*?)^```', text, re.M | re.S)


@pytest.mark.slow
def test_a_method_from_nothing_trains(tmp_path, monkeypatch) -> None:
    method, config = blocks('own_method.md')
    (tmp_path / 'self_labeling.py').write_text(method)
    (tmp_path / 'shapes.py').write_text(config)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    run_script(
        ROOT / 'tools/train.py',
        'shapes.py',
        '--cfg-options',
        'train_cfg.max_iters=2',
        'train_cfg.val_interval=2',
        log=tmp_path / 'log.txt',
    )
    assert list(tmp_path.glob('work_dirs/**/segmentor.pth'))


def test_the_data_set_of_the_page_serves_all_regimes(tmp_path) -> None:
    facts, _ = blocks('own_dataset.md')
    assert 30 <= len(facts.splitlines()) + 5 <= 45
    path = tmp_path / 'aerial.py'
    path.write_text(facts)
    wanted = dict(
        supervised='train_dataloader',
        online='train_dataloader',
        rounds='semi_dataloader',
    )
    for regime, loader in wanted.items():
        cfg = Config.fromfile(str(path))
        cfg.merge_from_dict(dict(regime=regime, train_cfg=dict(max_iters=9)))
        resolve(cfg)
        assert cfg[loader].batch_size == 8
        assert cfg.val_dataloader.dataset.data_prefix.img_path.endswith('val')
