"""A run whose data set alone was moved goes on, with the same images."""

import copy
import shutil
from pathlib import Path

import pytest

from mmsemi.apis.run_record import list_hashes, read_record
from mmsemi.engine.interruption import Interrupted
from mmsemi.io.files import write_json
from mmsemi.utils.errors import UsageError
from tests.end_to_end.test_crash_points import command, method_config
from tests.end_to_end.test_nothing_lost import another, dumped_without, same
from tests.tiny import make_tiny_set

METHODS = dict(online='mean_teacher', rounds='dst_cbc')


def placed(cfg, root: Path, form: str):
    """The config with its data in a folder.

    ``'datasets'`` have a ``data_root`` each; ``'paths'`` are whole, below
    that of the config.
    """
    cfg = copy.deepcopy(cfg)

    def place(node) -> None:
        if isinstance(node, dict) and node.get('ann_file'):
            folder = '' if form == 'datasets' else f'{root}/'
            if form == 'datasets':
                node['data_root'] = str(root)
            node['ann_file'] = folder + Path(node['ann_file']).name
            node['data_prefix'] = dict(
                img_path=f'{folder}images', seg_map_path=f'{folder}masks'
            )
        elif isinstance(node, dict):
            for value in node.values():
                place(value)

    for key in cfg:
        if key.endswith('dataloader'):
            place(cfg[key])
    if form == 'paths':
        cfg.data_root = str(root)
    cfg._filename = 'method.py'
    return cfg


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('moved') / 'data')


@pytest.fixture(scope='module', params=METHODS.values(), ids=METHODS)
def whole(request, root, tmp_path_factory):
    """A finished run: config, weights."""
    folder = tmp_path_factory.mktemp(request.param) / 'run'
    cfg = method_config(request.param, root, folder)
    cfg._filename = 'method.py'
    return cfg, command(cfg, resume=False)


@pytest.fixture
def stopped(whole, root, tmp_path):
    """A run that stopped, by the form of its config: config and data."""

    def stop(form: str):
        data = tmp_path / 'data'
        shutil.copytree(root, data)
        hook = dict(type='SignalHook', iteration=3)
        cfg = placed(another(whole[0], tmp_path, hook), data, form)
        with pytest.raises(Interrupted):
            command(cfg, resume=False)
        return dumped_without(cfg, 'SignalHook'), data

    return stop


@pytest.mark.parametrize('form', ['datasets', 'paths'])
def test_data_may_be_moved(whole, stopped, tmp_path, capsys, form) -> None:
    cfg, data = stopped(form)
    there = tmp_path / 'elsewhere' / 'set'
    there.parent.mkdir()
    data.rename(there)
    moved = placed(cfg, there, form)
    same(command(moved, resume=True), whole[1])
    assert f'lies in {there} now' in capsys.readouterr().out
    # From here on lists are compared with those in the new place.
    assert list_hashes(moved).items() <= (
        read_record(cfg.work_dir)['lists'].items()
    )


@pytest.mark.parametrize(
    'how', ['list', 'folder', 'other root', 'no record', 'masks alone']
)
def test_other_data_are_refused(stopped, tmp_path, how) -> None:
    cfg, data = stopped('datasets')
    there, words = tmp_path / 'there', 'the config differs'
    shutil.copytree(data, there)
    moved = placed(cfg, there, 'datasets')
    if how == 'list':
        (there / 'val.txt').write_text('00\n')
        words = 'val.txt names other images'
    elif how == 'folder':
        moved.val_dataloader.dataset.data_prefix.img_path = 'others'
        words = r'img_path: images -> others\.'
    elif how == 'other root':
        # The folder was there before, with the data of another loader.
        moved = placed(cfg, data, 'datasets')
        moved.val_dataloader.dataset.data_root = str(there)
        cfg.label_dataloader = dict(dataset=dict(data_root=str(there)))
        moved.label_dataloader = cfg.label_dataloader
        Path(cfg.work_dir, 'method.py').write_text(cfg.pretty_text)
        words = 'val_dataloader.dataset.data_root: .* -> .*there'
    elif how == 'no record':
        write_json(cfg.work_dir, 'run.json', dict(config='method.py'))
    else:
        moved = placed(cfg, data, 'datasets')
        prefix = moved.val_dataloader.dataset.data_prefix
        prefix.seg_map_path = str(there / 'masks')
    with pytest.raises(UsageError, match=words):
        command(moved, resume=True)
