"""What may change between a start and its --resume, and what may not."""

import copy
from pathlib import Path

import pytest

from mmsemi.apis.work_dir import changed_keys
from tests.tiny import tiny_config


def changed(**options):
    before = tiny_config(Path('set'), Path('run'))
    after = copy.deepcopy(before)
    after.merge_from_dict(options)
    return changed_keys(before, after)


@pytest.mark.parametrize(
    'option, value',
    [
        ('optim_wrapper.optimizer.lr', 1.0),
        ('train_dataloader.batch_size', 2),
        # The best of all would be that of two sets, or of two measures.
        ('val_dataloader.dataset.ann_file', 'other.txt'),
        ('val_evaluator.ignore_index', 0),
    ],
)
def test_what_makes_another_run(option, value):
    (text,) = changed(**{option: value})
    assert text.startswith(f'{option}: ') and text.endswith(f'-> {value}')


@pytest.mark.parametrize(
    'option, value',
    [
        ('train_dataloader.num_workers', 4),
        ('val_dataloader.batch_size', 4),
        ('val_dataloader.persistent_workers', True),
        ('default_hooks.checkpoint.interval', 7),
    ],
)
def test_what_changes_no_result(option, value):
    assert changed(**{option: value}) == []
