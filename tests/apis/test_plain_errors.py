from types import SimpleNamespace

import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmengine.hooks import Hook
from mmengine.registry import OPTIM_WRAPPERS, PARAM_SCHEDULERS
from mmengine.runner import Runner
from torch import OutOfMemoryError, zeros
from torch.nn import Conv2d
from torch.utils.data import DataLoader, Dataset

from mmsemi.apis.plain_errors import plain_errors, plain_sentence
from mmsemi.engine.hooks import MeanTeacherHook
from mmsemi.models.pseudo_labelers import ConfidencePseudoLabeler
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.tiny import tiny_model


def build(**changes):
    cfg = tiny_model()
    for key, value in changes.items():
        *place, name = key.split('__')
        part = cfg
        for step in place:
            part = part[step]
        part[name] = value
    return MODELS.build(cfg)


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(type='SelfTrainingSegmenter'), 'names a model SelfTraining'),
        (dict(student__backbone__type='ResNet1'), 'names a model ResNet1, '),
        (dict(student__backbone__deph=3), "ResNet .* no setting 'deph'"),
        (dict(objective__gama=3), "no setting 'gama'"),
        (dict(student__decode_head=dict(type='FCNHead')), 'lacks .*channels'),
        (dict(student__backbone__depth=17), 'ResNetV1c .*depth=17.*invalid'),
        (dict(student__backbone=dict(typ='A')), 'a part .*typ=\'A\'.*"type"'),
        (dict(objective__gamma='x'), "Loss of the config .*gamma='x'"),
        (dict(student__decode_head__in_channels='x'), "in_channels='x'"),
    ],
)
def test_parts_that_cannot_be_made(changes, words):
    with pytest.raises(UsageError, match=words) as info, plain_errors():
        build(**changes)
    assert '\n' not in str(info.value)
    assert info.value.__cause__ is not None


@pytest.mark.parametrize(
    'registry, kind, words',
    [
        (PARAM_SCHEDULERS, 'Poly', 'a parameter scheduler Poly, and there'),
        (OPTIM_WRAPPERS, 'Nope', 'optim wrapper Nope, and there is none'),
    ],
)
def test_registries_of_two_words(registry, kind, words):
    with pytest.raises(UsageError, match=words), plain_errors():
        registry.build(dict(type=kind))


@pytest.mark.parametrize(
    'fail, words',
    [
        (
            lambda: Runner.set_randomness(None, sed=3),
            "Runner of the config has no setting 'sed'",
        ),
        (
            lambda: LoadImageFromFile()(dict(img_path=__file__)),
            'test_plain_errors.py: image cannot be read',
        ),
        (
            lambda: Conv2d(7, 8, 1)(zeros(1, 16, 2, 2)),
            'takes 7 channels and is given 16.*in_channels',
        ),
    ],
)
def test_what_libraries_say_of_files_and_settings(fail, words):
    with pytest.raises(UsageError, match=words), plain_errors():
        fail()


def test_a_part_without_settings_is_named_alone(monkeypatch):
    def refuse():
        raise ValueError('there is no display')

    monkeypatch.setitem(MODELS.module_dict, 'WithoutSettings', refuse)
    with pytest.raises(ValueError) as info:
        MODELS.build(dict(type='WithoutSettings'))
    assert plain_sentence(info.value) == (
        'refuse of the config cannot be made: there is no display. Correct '
        'these settings'
    )


def test_errors_raised_on_purpose_are_told():
    with pytest.raises(ValueError) as plain:
        ConfidencePseudoLabeler(threshold=-7)
    with pytest.raises(UsageError) as told, plain_errors():
        ConfidencePseudoLabeler(threshold=-7)
    assert str(told.value) == str(plain.value)


def test_the_place_put_in_front_is_taken_off():
    def build_as_mmengine_does():
        try:
            raise UsageError('a.pth is empty')
        except Exception as error:
            raise type(error)(f'class `X` in x.py: {error}')  # noqa: B904

    with pytest.raises(UsageError) as info, plain_errors():
        build_as_mmengine_does()
    assert str(info.value) == 'a.pth is empty'


def test_the_hook_put_behind_is_taken_off():
    class NeedsATeacher(Hook):
        def before_train(self, runner):
            MeanTeacherHook().before_train(runner)

    runner = SimpleNamespace(
        model=Conv2d(1, 1, 1), _hooks=[NeedsATeacher()], iter=0
    )
    with pytest.raises(UsageError) as info, plain_errors():
        Runner.call_hook(runner, 'before_train')
    assert str(info.value) == (
        'MeanTeacherHook needs a segmentor with teacher and student, got '
        'Conv2d'
    )


@pytest.mark.parametrize(
    'fail, kind',
    [
        (lambda: np.zeros(3) + np.zeros(4), ValueError),
        (lambda: {}['a'], KeyError),
        (lambda: Runner.from_cfg(dict(model=1)), Exception),
        (lambda: ConfidencePseudoLabeler(threshold='x'), TypeError),
        (lambda: [][1], IndexError),
    ],
)
def test_faults_keep_their_traceback(fail, kind):
    with pytest.raises(kind) as info, plain_errors():
        fail()
    assert not isinstance(info.value, UsageError)


class Unreadable(Dataset):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int):
        raise UsageError('a.png: image cannot be read. Restore the file')


def test_a_process_that_loads_says_it_in_one_sentence() -> None:
    with pytest.raises(UsageError) as info, plain_errors():
        list(DataLoader(Unreadable(), num_workers=1))
    text = 'a.png: image cannot be read. Restore the file'
    assert str(info.value) == text
    assert plain_sentence(info.value.__cause__) == text


@pytest.mark.parametrize(
    'error',
    [
        OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB'),
        RuntimeError('cuDNN error: CUDNN_STATUS_ALLOC_FAILED'),
    ],
)
def test_a_full_gpu_outside_of_steps_is_one_sentence(error) -> None:
    with pytest.raises(UsageError, match='End other programs') as said:
        with plain_errors():
            raise error
    assert said.value.__cause__ is error
