"""Options are what the run gets, or an error."""

import pytest

from mmsemi.apis.config import load_config
from mmsemi.utils.errors import UsageError
from tests.conftest import ROOT

CONFIG = str(ROOT / 'configs/mean_teacher/camvid_1-16.py')


@pytest.mark.parametrize(
    'option, value, words',
    [
        ('model.student.decode_head.num_classes', 5, r'=5 .* makes it 11'),
        ('model.student.data_preprocessor.size', (9, 9), r'it \(144, 176\)'),
    ],
)
def test_options_that_the_data_overrule(option, value, words) -> None:
    with pytest.raises(UsageError, match=f'{option}.*{words}'):
        load_config(CONFIG, {option: value})


def test_options_that_say_what_the_data_say() -> None:
    options = {'model.student.decode_head.num_classes': 11}
    cfg = load_config(CONFIG, options)
    assert cfg.model.student.decode_head.num_classes == 11
