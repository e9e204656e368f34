"""Commands, each with each kind of damaged file: one sentence, no traceback.

Every command is run in this process, as a person starts it.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmsemi.apis.config import merge_options, read_config
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

from .test_no_foreign_code import Scene
from .tiny import make_tiny_set, tiny_model


def weights() -> dict:
    return MODELS.build(tiny_model()['student']).state_dict()


def whole(path):
    torch.save(dict(state_dict=weights(), meta=dict()), path)


def cut(path):
    whole(path)
    path.write_bytes(path.read_bytes()[:-3000])


def without_head(path):
    state = {k: v for k, v in weights().items() if 'decode_head' not in k}
    torch.save(dict(state_dict=state), path)


def other_classes(path):
    state = weights()
    for key in list(state):
        if 'conv_seg' in key:
            state[key] = state[key][:2].clone()
    torch.save(dict(state_dict=state), path)


def other_network(path):
    torch.save({'layer9.weight': torch.zeros(3, 3)}, path)


def diverged(path):
    state = weights()
    state['decode_head.conv_seg.bias'][1] = float('nan')
    torch.save(dict(state_dict=state), path)


DAMAGES = {
    'missing': (lambda path: None, 'does not exist'),
    'empty': (lambda path: path.write_bytes(b''), 'is empty'),
    'folder': (lambda path: path.mkdir(), 'is a folder, where a file'),
    'cut': (cut, 'damaged or incomplete'),
    'noise': (
        lambda path: path.write_bytes(np.random.default_rng(0).bytes(9999)),
        'is not a checkpoint',
    ),
    'page': (lambda path: path.write_text('<html>404'), 'is not a checkpoint'),
    'list': (lambda path: torch.save([1, 2], path), 'not a dictionary'),
    'no weights': (
        lambda path: torch.save(dict(meta=dict(iter=3)), path),
        'no weights|fit|missing|empty',
    ),
    'no tensors': (
        lambda path: torch.save(dict(state_dict={}), path),
        'holds no weights',
    ),
    'without head': (without_head, r'decode_head'),
    'other classes': (other_classes, r'conv_seg'),
    'diverged': (diverged, 'tensors hold NaN .*conv_seg.bias'),
    'other network': (other_network, r'layer9|fit|missing'),
}


def train(scene, path):
    scene.cfg.load_from = str(path)
    scene.command('train.py', 'CONFIG', '--work-dir', scene.folder / 'w')


def run_test(scene, path):
    scene.command('test.py', 'CONFIG', path, '--work-dir', scene.folder / 'w')


def infer(scene, path):
    images = Path(scene.cfg.val_dataloader.dataset.data_prefix.img_path)
    files = ['--config', 'CONFIG', '--checkpoint', path]
    scene.command('infer.py', images, *files, '--out', scene.folder / 'o')


def export(scene, path):
    tool = 'model_converters/export_segmentor.py'
    scene.command(tool, 'CONFIG', path, '--out', scene.folder / 'o.pth')


COMMANDS = [train, run_test, infer, export]


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path, make_tiny_set(tmp_path / 'data'))


@pytest.mark.parametrize('damage', DAMAGES)
@pytest.mark.parametrize('command', COMMANDS)
def test_checkpoints(scene, command, damage):
    spoil, words = DAMAGES[damage]
    path = scene.folder / 'given.pth'
    spoil(path)
    with pytest.raises(UsageError, match=words) as info:
        command(scene, path)
    assert 'given.pth' in str(info.value)
    assert not list(scene.folder.glob('w/*.pth')) + list(
        scene.folder.glob('o*')
    )


def spoil_image(scene, which, content):
    path = scene.folder / f'data/images/{which}.png'
    path.write_bytes(path.read_bytes()[:700] if content == 'cut' else content)
    return path.name


def spoil_mask(scene, which, value):
    path = scene.folder / f'data/masks/{which}.png'
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    mask[3] = value
    cv2.imwrite(str(path), mask)
    return path.name


@pytest.mark.parametrize('content', ['cut', b'', b'<html>', bytes(900)])
@pytest.mark.parametrize('which', ['00', '08', '17'])
@pytest.mark.parametrize('command', [train, run_test])
def test_images(scene, command, which, content):
    """Labeled, unlabeled, and of the validation, which is the test, too."""
    if command is run_test and which != '17':
        pytest.skip('a test does not read it')
    path = scene.folder / 'given.pth'
    whole(path)
    name = spoil_image(scene, which, content)
    with pytest.raises(UsageError, match=f'{name}: image cannot be read'):
        command(scene, path)


@pytest.mark.parametrize('command', [train, run_test])
def test_masks(scene, command):
    path = scene.folder / 'given.pth'
    whole(path)
    name = spoil_mask(scene, '17', 100)
    with pytest.raises(UsageError, match=f'{name}: 48 pixels .* value 100'):
        command(scene, path)


def test_infer_goes_on_and_names_what_it_could_not_read(scene):
    path = scene.folder / 'given.pth'
    whole(path)
    name = spoil_image(scene, '08', b'<html>')
    with pytest.raises(UsageError, match=f'{name}: not a readable image'):
        infer(scene, path)
    assert len(list((scene.folder / 'o/overlay').glob('*.png'))) == 17


@pytest.mark.parametrize('command', COMMANDS)
@pytest.mark.parametrize(
    'text, words',
    [
        ('model = dict(\n', r'config.py, line \d'),
        ('model = dict(]\n', r'config.py, line \d'),
    ],
)
def test_configs(scene, command, text, words, monkeypatch):
    path = scene.folder / 'given.pth'
    whole(path)
    monkeypatch.setattr(
        type(scene.cfg), 'dump', lambda self, file: Path(file).write_text(text)
    )
    with pytest.raises(UsageError, match=words):
        command(scene, path)


@pytest.mark.parametrize(
    'text, words',
    [
        ('x = nope\n', r"line 1 of \S+a.py .*NameError, name 'nope'"),
        ("x = 1\nraise ValueError('own')\n", r'line 2 of \S+a.py .*: own'),
        ('x = 1 / 0\n', 'ZeroDivisionError, division by zero'),
        ('_base_ = 3\n', 'TypeError, argument of type'),
        ("_base_ = ['b.py', 'b.py']\n", 'Duplicate keys: .*x'),
        ('import sys\nsys.exit(0)\n', 'ends the program'),
        ("x = '{{$NOT_SET:}}'\n", '`NOT_SET` cannot be found'),
    ],
)
def test_configs_that_fail_when_they_run(tmp_path, text, words):
    (tmp_path / 'a.py').write_text(text)
    (tmp_path / 'b.py').write_text('x = 1\n')
    with pytest.raises(UsageError, match=words) as info:
        read_config(str(tmp_path / 'a.py'))
    assert '\n' not in str(info.value)


@pytest.mark.parametrize('text', ['{', '[1]', ''])
def test_configs_that_are_data(tmp_path, text):
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(UsageError, match=r'a\.json.* damaged or mistyped'):
        read_config(str(tmp_path / 'a.json'))


@pytest.mark.parametrize(
    'option, value, words',
    [
        ('a.5.b', 1, 'a.5.b=1 does not fit the config: Index 5 exceeds'),
        ('model.type.x', 1, 'type.x=1 does not fit'),
        ('numbers.0', 1, 'numbers.0=1 does not fit'),
        ('model.', 1, 'a part of the name is empty'),
        ('', 1, 'a part of the name is empty'),
        ('model', 'SGD', 'such as model.type=X'),
        ('a.0', ['x', 'y'], 'such as a.0.type=Y'),
    ],
)
def test_options_that_fit_no_place(option, value, words):
    part = dict(type='Y', b=0)
    cfg = Config(dict(a=[part], model=dict(type='X'), numbers=[2, 3]))
    with pytest.raises(UsageError, match=words):
        merge_options(cfg, {option: value})
