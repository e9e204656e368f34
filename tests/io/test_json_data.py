"""JSON of anybody, at each place that reads some: a sentence, or nothing."""

import json
import os

import pytest

from mmsemi.apis.compare_tuning import read_grid
from mmsemi.apis.fit_run import write_facts
from mmsemi.datasets import shapes
from mmsemi.doctor.data import _read_stamp
from mmsemi.engine.hooks.pseudo_label_audit_hook import earlier_reports
from mmsemi.io.files import read_json
from mmsemi.io.json_data import NoJson, load_json
from mmsemi.io.lock import LOCK, FolderLock
from mmsemi.models.losses.class_balanced_cross_entropy import (
    read_class_frequency,
)
from mmsemi.prepare.annotation_files import read_json as read_annotations
from mmsemi.prepare.conversion import begin
from mmsemi.prepare.masks import read_encoding
from mmsemi.report.own_data.run_folder import RunFolder, read_facts
from mmsemi.report.runs import read_summary
from mmsemi.report.scalars import read_records
from mmsemi.utils.errors import UsageError

DAMAGES = {
    'empty': b'',
    'cut': b'{"a": [1, ',
    'deep': b'[' * 99_999,
    'no text': b'\x00\xff\xfe\x80',
    'a number': b'7',
}
REFUSING = {
    'class frequencies': ('f.json', read_class_frequency),
    'a grid': ('g.json', lambda path: read_grid(str(path), ['a'], False)),
    'facts of fit': ('fit.json', lambda path: read_facts(path.parent)),
    'a run of fit': ('fit.json', lambda path: RunFolder(path.parent)),
    'further facts': ('fit.json', lambda path: write_facts(path.parent)),
    'annotations': ('a.json', lambda path: read_annotations(str(path))),
    'an encoding': ('encoding.json', lambda path: read_encoding(path.parent)),
    'a summary': ('summary.json', lambda path: read_summary(path.parent)),
    'a conversion': (
        'conversion.json',
        lambda path: begin([], str(path.parent), dict(size=3)),
    ),
}
PASSING_OVER = {
    'any': ('x.json', lambda path: read_json(path) == {}),
    'a stamp': ('data_check.json', lambda path: _read_stamp(path) == {}),
    'the drawn set': (
        'manifest.json',
        lambda path: not shapes.is_current(path.parent),
    ),
    'reports': (
        'pseudo_label_audit.json',
        lambda path: earlier_reports(path.parent, 4) == [],
    ),
    'a lock': (LOCK, lambda path: FolderLock(path.parent).release() is None),
    'the last record': ('scalars.json', lambda path: read_records(path) == []),
}


@pytest.mark.parametrize('damage', DAMAGES)
@pytest.mark.parametrize('place', REFUSING)
def test_damage_is_said(tmp_path, place, damage):
    name, read = REFUSING[place]
    (tmp_path / name).write_bytes(DAMAGES[damage])
    if damage == 'a number' and place in ('annotations', 'a conversion'):
        return  # whole, and none of theirs, as is said elsewhere
    # A ValueError raised on purpose is told as a sentence, too.
    with pytest.raises((UsageError, NoJson, ValueError)) as info:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(info.value)


@pytest.mark.parametrize('damage', DAMAGES)
@pytest.mark.parametrize('place', PASSING_OVER)
def test_what_can_be_made_again_is_passed_over(tmp_path, place, damage):
    name, read = PASSING_OVER[place]
    (tmp_path / name).write_bytes(DAMAGES[damage])
    assert read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='no pipes in folders')
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'fit.json')
    with pytest.raises(UsageError, match='pipe, socket or device'):
        read_facts(tmp_path)


def test_marks_of_windows_are_read(tmp_path):
    (tmp_path / 'a.json').write_bytes('{"ü": 1}'.encode('utf-8-sig'))
    assert load_json(tmp_path / 'a.json') == {'ü': 1}


@pytest.mark.parametrize(
    'key, value',
    [
        ('classes', 5),
        ('classes', [None]),
        ('palette', [[1, 2]]),
        ('palette', [[1, 2, 'x']]),
        ('palette', [[0, 0, 300]]),
        ('images', 5),
        ('folds', 'x'),
        ('folds', 1.5),
        ('settings', [3]),
        ('settings', {}),
        ('numbers', []),
        ('wish', 'x'),
        ('shared', [1]),
        ('encoding', 3),
        ('earlier', {}),
    ],
)
def test_facts_of_another_kind_are_damage(tmp_path, key, value):
    """Of a foreign folder, or changed by hand."""
    facts = dict(images='i', classes=['a'], palette=[[1, 2, 3]])
    (tmp_path / 'fit.json').write_text(json.dumps({**facts, key: value}))
    with pytest.raises(UsageError, match=f'fit.json is damaged .*"{key}"'):
        RunFolder(tmp_path)
