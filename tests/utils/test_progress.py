import io
import logging
import sys

import pytest

from mmsemi.utils.progress import Progress, format_seconds, track, track_parts


@pytest.mark.parametrize(
    'seconds, text',
    [
        (0.4, '0 s'),
        (59.6, '1 min'),
        (75.2, '1 min 15 s'),
        (3600, '1 h'),
        (9000, '2 h 30 min'),
    ],
)
def test_seconds_for_people(seconds, text):
    assert format_seconds(seconds) == text


def test_track_yields_all_and_prints_a_line_per_tenth(capsys, monkeypatch):
    monkeypatch.setattr(Progress, 'pause', 0)
    assert list(track(range(50), description='labeling')) == list(range(50))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith('labeling:  10 % (5/50)')
    assert 'left' in lines[0]
    assert lines[-1].startswith('labeling: 100 % (50/50)')
    assert 'left' not in lines[-1]


def test_shares_are_rounded_to_what_is_nearest(capsys, monkeypatch):
    """But what is not done is not at 100 %."""
    monkeypatch.setattr(Progress, 'pause', 0)
    list(track(range(3), description='labeling'))
    progress = Progress(1000, 'training')
    progress.update(999)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split('%')[0].split()[-1] for line in lines] == [
        *('33', '67', '100'),
        '99',
    ]


def test_work_that_takes_no_time_has_one_line(capsys):
    assert list(track(range(50), description='labeling')) == list(range(50))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith('labeling: 100 % (50/50)')


def test_track_of_a_generator_needs_a_total(capsys):
    assert list(track((i for i in range(3)), total=3)) == [0, 1, 2]
    with pytest.raises(TypeError):
        list(track(i for i in range(3)))


def test_resumed_work_does_not_repeat_lines(capsys, monkeypatch):
    monkeypatch.setattr(Progress, 'pause', 0)
    progress = Progress(100, 'training', completed=55)
    for done in range(56, 75):
        progress.update(done, note='loss 0.5')
    lines = capsys.readouterr().out.splitlines()
    assert [line.split('%')[0].split()[-1] for line in lines] == ['60', '70']
    assert lines[0].endswith('loss 0.5')


def test_parts_of_an_item_are_progress_too(capsys, monkeypatch):
    monkeypatch.setattr(Progress, 'pause', 0)
    for item, tell in track_parts('ab', 2, 'predicting'):
        for done in range(1, 101):
            if item == 'b':
                tell(done, 100)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(',')[0] for line in lines] == [
        'predicting:  50 % (1/2)',
        *(f'predicting:  {n} % (1/2)' for n in (60, 70, 80, 90)),
        'predicting: 100 % (2/2)',
    ]
    assert lines[1].endswith(' left, window 20 of 100')
    assert 'window' not in lines[0] + lines[-1]


def test_empty_work_is_no_error(capsys):
    assert list(track([])) == []


def test_log_lines_pass_through_an_open_bar(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.setattr(sys, 'stdout', terminal)
    logger = logging.getLogger('test_progress')
    handler = logging.StreamHandler(sys.stdout)
    logger.addHandler(handler)
    try:
        with Progress(4, 'training', bar=True) as progress:
            assert handler.stream is not terminal
            progress.update(2)
            logger.warning('a message')
        assert handler.stream is terminal
        assert 'a message' in terminal.getvalue()
    finally:
        logger.removeHandler(handler)
