import json

import pytest

from mmsemi.io.files import write_json
from mmsemi.report.runs import summarize
from mmsemi.report.tables import (
    closing_words,
    labels_used,
    outcome,
    round_line,
    round_table,
)
from mmsemi.report.validation import name_dead, usual_metric, validation_line
from mmsemi.utils.errors import UsageError


def make_row(number, val_miou, accuracy=None):
    return dict(
        round=number,
        portion=0.2 * number if number else None,
        labeled=23,
        pseudo_labeled=344 if number else 0,
        kept=0.2 if number else None,
        pseudo_label_accuracy=accuracy,
        val_miou=val_miou,
        iterations=200,
        seconds=75,
    )


def make_run(folder, seed, mious, config='dst_cbc/camvid', **changes):
    rows = [
        make_row(k, v, 0.9 + seed / 100 if k else None)
        for k, v in enumerate(mious)
    ]
    summary = dict(
        config=config,
        method=dict(segmentor='SelfTrainingSegmentor', labeled_only=False),
        recipe='0123',
        overrides=[],
        lengths=dict(iterations=600, rounds=[200] * 3, batch_size=4),
        seed=seed,
        finished=True,
        iterations=600,
        last_miou=mious[-1],
        best_miou=max(mious),
        rounds=rows,
        gain_over_round_0=mious[-1] - mious[0] if len(mious) > 1 else None,
        wall_seconds=90,
        data=dict(labeled=[dict(list='l', images=23, sha256='abc')]),
    )
    folder.mkdir(parents=True)
    write_json(folder, 'summary.json', dict(summary, **changes))
    return str(folder)


def cells(text, beginning):
    (line,) = [li for li in text.splitlines() if li.startswith(beginning)]
    return [cell.strip() for cell in line.strip('|').split('|')]


def test_mean_and_deviation_over_seeds(tmp_path):
    runs = [
        make_run(tmp_path / str(k), k, (40 + k, 44 + 2 * k)) for k in (2, 0, 1)
    ]
    text = summarize(runs + runs[:1])
    assert '3 runs, seed 0, 1, 2' in text
    assert cells(text, '| 0 |')[1:] == [
        'labeled only',
        '200',
        '-',
        '41.00',
        '1.00',
        '40.00',
        '42.00',
        '-',
    ]
    assert cells(text, '| 1 |')[1:] == [
        '23 + 344 pseudo',
        '400',
        '0.2',
        '46.00',
        '2.00',
        '44.00',
        '48.00',
        '0.910',
    ]
    assert cells(text, '| | gain')[4:] == ['5.00', '1.00', '4.00', '6.00', '-']
    assert cells(text, f'| {runs[0]}')[1:] == [
        '2',
        'abc',
        '42.00',
        '48.00',
        '+6.00',
        '1.5',
    ]


def test_configs_get_separate_tables(tmp_path):
    a = make_run(tmp_path / 'a', 0, (40.0, 45.0))
    b = make_run(tmp_path / 'b', 0, (42.0,), config='supervised/camvid')
    text = summarize([a, b])
    assert text.count('### ') == 2 and '1 run, seed 0' in text
    second = text.split('### supervised/camvid')[1]
    assert cells(second, '| 0 |')[4:8] == ['42.00', '-', '42.00', '42.00']
    assert cells(second, f'| {b}')[3:6] == ['-', '42.00', '-']


def test_runs_that_differ_in_more_than_seed_and_split_are_not_averaged(
    tmp_path,
):
    """One config, four things that were done with it."""
    plain = [make_run(tmp_path / f'a{k}', k, (40.0, 45.0)) for k in range(2)]
    labeled = dict(segmentor='MeanTeacher', labeled_only=True)
    changes = dict(
        labeled=dict(
            recipe='4567',
            method=labeled,
            overrides=['train_dataloader.sampler: (4, 4) -> (4, 0)'],
        ),
        processes=dict(lengths=dict(iterations=600, batch_size=8)),
        protocol=dict(data=dict(labeled=[dict(images=46, sha256='def')])),
    )
    others = [
        make_run(tmp_path / name, 0, (30.0, 30.0), **change)
        for name, change in changes.items()
    ]
    text = summarize(plain + others)
    assert text.count('### dst_cbc/camvid') == 4
    first, second, *_ = text.split('### ')[1:]
    assert '2 runs, seed 0, 1' in first and '45.00' in first
    assert 'labeled images only' in second
    assert '- `train_dataloader.sampler: (4, 4) -> (4, 0)`' in second
    other_split = make_run(
        tmp_path / 'split',
        2,
        (40.0, 45.0),
        data=dict(labeled=[dict(images=23, sha256='def')]),
    )
    assert '3 runs, seed 0, 1, 2' in summarize(plain + [other_split])


def test_summary_that_does_not_say_what_the_run_was(tmp_path):
    run = make_run(tmp_path / 'a', 0, (40.0, 45.0))
    path = tmp_path / 'a/summary.json'
    summary = json.loads(path.read_text())
    del summary['recipe']
    path.write_text(json.dumps(summary))
    with pytest.raises(UsageError, match='earlier version.*--resume'):
        summarize([run])


def test_missing_values_are_dashes(tmp_path):
    run = make_run(tmp_path / 'a', 0, (40.0, 45.0))
    path = tmp_path / 'a/summary.json'
    summary = json.loads(path.read_text())
    for row in summary['rounds']:
        row['val_miou'] = None
    summary.update(last_miou=None, gain_over_round_0=None)
    path.write_text(json.dumps(summary))
    assert cells(summarize([run]), '| 0 |')[4:8] == ['-'] * 4


def test_errors_name_folder_and_remedy(tmp_path):
    good = make_run(tmp_path / 'good', 0, (40.0, 45.0))
    with pytest.raises(UsageError, match='none.summary.json does not exist'):
        summarize([good, str(tmp_path / 'none')])
    with pytest.raises(UsageError, match='is not over.*--resume'):
        summarize([make_run(tmp_path / 'half', 1, (40.0,), finished=False)])
    with pytest.raises(UsageError, match='differ in their number of rounds'):
        summarize([good, make_run(tmp_path / 'other', 1, (40.0,))])
    (tmp_path / 'good/summary.json').write_text('{"config": ')
    with pytest.raises(UsageError, match='damaged'):
        summarize([good])


def test_words_for_rows():
    rows = [make_row(0, 45.1), make_row(1, 47.32, 0.951)]
    assert labels_used(rows[0]) == 'labeled only'
    assert round_line(rows[0], rows[:1]) == (
        'round 0 finished in 1 min 15 s, val mIoU 45.1'
    )
    assert round_line(rows[1], rows) == (
        'round 1 finished in 1 min 15 s, portion 0.2, kept 20.0 %, 95.1 % of '
        'it right, val mIoU 47.3 (2.2 over labeled only)'
    )
    part = dict(rows[0], class_iou=dict(a=4, b=None), left_out=['b'])
    words = '; the mean of 1 of 2 classes: no image holds b'
    assert round_line(part, [part]).endswith(f'val mIoU 45.1{words}')
    text = outcome(dict(rounds=rows, best_miou=48.0, wall_seconds=150))
    assert text == (
        'Self-training gains 2.2 mIoU: from 45.1 after 200 iterations with '
        'labeled images only to 47.3 after 400 iterations in all (best on '
        'the way: 48.0). It took 2 min 30 s.'
    )
    # The model it began with was trained for half of the time.
    begun = [dict(rows[0], iterations=0), rows[1]]
    text = outcome(dict(rounds=begun, best_miou=47.3, wall_seconds=150))
    assert text.startswith('val mIoU 47.3 after 200 iterations, 45.1 before')
    rows[1]['val_miou'] = 44.1
    text = outcome(dict(rounds=rows, best_miou=45.1, wall_seconds=150))
    assert text.startswith('Self-training loses 1.0 mIoU')
    online = make_row(0, 47.5)
    online['dead_classes'] = ['Zelle']
    words = closing_words(
        dict(rounds=[online], best_miou=47.5, wall_seconds=150, files={}), 'x'
    )
    assert 'No pixel of Zelle is found.' in words and 'portion' not in words
    online['networks'] = dict(teacher=47.5, student=46.0)
    text = outcome(
        dict(
            rounds=[online],
            best_miou=47.5,
            wall_seconds=150,
            stopped_early=True,
        )
    )
    assert text.startswith('val mIoU 47.5 (teacher), 46.0 (student) after ')
    assert '(stopped early)' in text
    rows[1]['val_miou'] = rows[0]['val_miou'] = None
    nothing = dict(rounds=rows, best_miou=None, wall_seconds=150)
    assert 'nothing was validated' in outcome(nothing)
    other = outcome(dict(nothing, other_metrics=dict(mDice=30.05)))
    assert 'gave mDice 30.05, and no mIoU' in other
    assert 'default_hooks.summary.metric' in other
    dice = [dict(make_row(0, 30.05), metric='mDice')]
    assert 'val mDice 30.1' in round_line(dice[0], dice)
    assert 'val mDice' in round_table(dice)
    text = outcome(dict(rounds=dice, best_miou=30.05, wall_seconds=150))
    assert text.startswith('val mDice 30.1 after')
    assert usual_metric({'aAcc': 1.0, 'mDice': 2.0, 'mAcc': 3.0}) == 'mDice'
    assert usual_metric({'teacher/aAcc': 1, 'teacher/mIoU': 2}) == 'mIoU'
    assert usual_metric({'aAcc': 1.0}) == 'aAcc'


def test_classes_that_are_never_predicted_are_named():
    assert name_dead([]) == ''
    assert name_dead(['pole', 'bar']) == 'no pixel of pole, bar is found'
    many = name_dead(list('abcd'), most=2)
    assert many == 'no pixel of a, b and 2 more classes is found'
    record = dict(iteration=4, networks={}, miou=43.21, dead_classes=['pole'])
    record.update(class_iou=dict(pole=0.0, sky=None), left_out=['sky'])
    assert validation_line(record, 8) == (
        'iteration 4 of 8: val mIoU 43.2; no pixel of pole is found; the '
        'mean of 1 of 2 classes: no image holds sky'
    )
    record.update(dead_classes=[], left_out=[])
    assert validation_line(record, 8) == 'iteration 4 of 8: val mIoU 43.2'


def test_table_has_a_line_for_each_round():
    rows = [make_row(0, 45.1), make_row(1, 47.32, 0.951), make_row(2, None)]
    lines = round_table(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    values = [
        [c.strip() for c in line.strip('|').split('|')]
        for line in lines
        if line.startswith('|')
    ]
    assert values[1:] == [
        ['0', 'labeled only', '-', '-', '-', '45.1', '1 min 15 s'],
        [
            '1',
            '23 + 344 pseudo',
            '0.2',
            '20.0 %',
            '95.1 %',
            '47.3',
            '1 min 15 s',
        ],
        ['2', '23 + 344 pseudo', '0.4', '20.0 %', '-', '-', '1 min 15 s'],
    ]


def test_json_has_no_nan(tmp_path):
    write_json(tmp_path, 'a.json', dict(a=[float('nan'), 1.5], b='x'))
    assert json.loads((tmp_path / 'a.json').read_text()) == dict(
        a=[None, 1.5], b='x'
    )
