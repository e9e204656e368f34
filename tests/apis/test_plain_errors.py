import numpy as np
import pytest
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Dataset

from mmsemi.apis.plain_errors import plain_errors, plain_sentence
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
    ],
)
def test_names_nobody_knows(changes, words):
    with pytest.raises(UsageError, match=words) as info, plain_errors():
        build(**changes)
    assert '\n' not in str(info.value)
    assert info.value.__cause__ is not None


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
