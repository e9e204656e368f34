import pytest
import torch
from mmengine.logging import MMLogger

from mmsemi.engine.loops.round_start import check_baseline
from mmsemi.models.pretrained import backbone_prefix
from mmsemi.models.weights import read_weights
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.tiny import tiny_model


def build(init, path='', part='backbone', **options):
    cfg = tiny_model()
    place = cfg if part == 'model' else cfg['student']
    place = place.get(part, place)
    if init:
        place['init_cfg'] = dict(
            type='Pretrained', checkpoint=str(path), **options
        )
    model = MODELS.build(cfg)
    if init:
        model.init_weights()
    return model


@pytest.fixture
def saved(tmp_path):
    """A checkpoint of a whole student, and its weights."""
    student = build(False).student
    for value in student.parameters():
        torch.nn.init.normal_(value)
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict=student.state_dict()), path)
    return path, student.state_dict()


def equal(model, state):
    found = model.student.state_dict()
    return {key for key in state if torch.equal(found[key], state[key])}


def test_a_part_of_a_network_by_its_prefix(saved):
    path, state = saved
    backbone = {key for key in state if key.startswith('backbone.')}
    for prefix in ('backbone', 'backbone.'):
        model = build(True, path, prefix=prefix)
        assert backbone <= equal(model, state)
    with pytest.raises(UsageError) as info:
        build(True, path)
    message = str(info.value)
    assert message.startswith('init_cfg: only 0 of ')
    assert 'weights of ResNetV1c' in message and "prefix='backbone'" in message


@pytest.mark.parametrize('first', ['', 'module.'])
@pytest.mark.parametrize('second', ['', 'student.'])
def test_a_backbone_is_found_whoever_saved_it(saved, first, second):
    """``module.`` is put before all names where several processes train."""
    path, state = saved
    state = {f'{first}{second}{key}': value for key, value in state.items()}
    torch.save(dict(state_dict=state), path)
    prefix = backbone_prefix(str(path))
    assert prefix == f'{second}backbone'
    model = build(True, path, prefix=prefix)
    assert torch.equal(
        model.student.backbone.stem[0].weight,
        state[f'{first}{second}backbone.stem.0.weight'],
    )
    found, _ = read_weights(path, 'student')
    assert 'backbone.stem.0.weight' in found
    check_baseline(model, str(path))


@pytest.mark.parametrize('part', ['student', 'model'])
def test_a_plain_network_fills_the_whole(saved, part):
    path, state = saved
    model = build(True, path, 'model' if part == 'model' else '')
    assert equal(model, state) == set(state)


def test_a_head_for_other_classes_is_counted(saved, monkeypatch):
    path, state = saved
    state = {k: v for k, v in state.items() if 'conv_seg' not in k}
    torch.save(dict(state_dict=state), path)
    lines = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'log', lambda level, msg: lines.append(msg))
    model = build(True, path, '')
    assert equal(model, state) == set(state)
    assert any('decode_head.conv_seg' in str(line) for line in lines)


@pytest.mark.parametrize('part', ['backbone', '', 'model'])
@pytest.mark.parametrize(
    'content',
    [
        {'layer1.weight': torch.zeros(3, 3)},
        {'conv1.weight': torch.zeros(1)},
        {},
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, content, part):
    path = tmp_path / 'foreign.pth'
    torch.save(dict(state_dict=content), path)
    with pytest.raises(UsageError, match='only 0 of .*foreign|fits no part'):
        build(True, path, part)
