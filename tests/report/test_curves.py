import json

import cv2
import pytest

from mmsemi.report import curves as tool
from mmsemi.utils.errors import UsageError


def log(work_dir, records, start='20260101_000000', end='\n'):
    """Write a start of a run as mmengine does."""
    path = work_dir / start / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(map(json.dumps, records)) + end)
    return str(work_dir)


def trained(step, loss, **more):
    return dict(lr=0.1, loss=loss, time=0.5, iter=step, step=step, **more)


def validated(step, miou, key='mIoU'):
    return {key: miou, 'time': 9.0, 'step': step}


def test_picture_and_table_of_two_runs(tmp_path):
    one = log(
        tmp_path / 'a/run',
        [
            trained(1, 3.0),
            trained(2, 2.0),
            validated(2, 40.0),
            trained(3, 1.0),
            validated(3, 50.0),
            trained(4, 0.5),
            validated(4, 45.0),
        ],
    )
    two = log(
        tmp_path / 'b/run',
        [
            trained(1, 3.0, confident_ratio=0.2),
            validated(1, float('nan'), 'teacher/mIoU'),
            validated(1, 30.0, 'student/mIoU'),
        ],
    )
    text = tool.plot_curves([one, two]).splitlines()
    assert '| a/run | mIoU | 45 | 50 | 3 |' in text
    assert '| a/run | loss | 0.5 | - | - |' in text
    assert '| b/run | confident_ratio | 0.2 | - | - |' in text
    picture = cv2.imread(text[-1])
    assert text[-1] == f'{one}/curves.png' and picture.std() > 10
    # More panels, a larger picture.
    tool.plot_curves([one], ['loss'], str(tmp_path / 'new/one.png'))
    assert cv2.imread(str(tmp_path / 'new/one.png')).size < picture.size


def test_a_key_stands_for_both_networks(tmp_path):
    run = tool.read_run(
        log(
            tmp_path,
            [
                validated(1, 30.0, 'teacher/mIoU'),
                validated(1, 20.0, 'student/mIoU'),
                {'round/val_miou': 30.0, 'step': 1},
            ],
        )
    )
    assert tool.select({'run': run}, ['mIoU']) == {
        'mIoU': ['student/mIoU', 'teacher/mIoU']
    }
    assert tool.label_of('run', 'mIoU', 'teacher/mIoU') == 'run (teacher)'
    assert run['teacher/mIoU'].validation
    assert not run['round/val_miou'].validation


def test_best_points():
    curve = tool.Curve([1, 2, 3], [4.0, float('nan'), 2.0], True)
    assert tool.best('mIoU', curve) == (1, 4.0)
    assert tool.best('loss_ce', curve) == (3, 2.0)


def test_resumed_run_is_one_curve(tmp_path):
    log(
        tmp_path,
        [trained(s, 10.0 + s) for s in (1, 2, 3, 4)],
        '20260101_000000',
    )
    # Resumed from 2; killed while it wrote.
    log(
        tmp_path,
        [trained(3, 3.0), trained(4, 4.0), trained(5, 5.0)],
        '20260102_000000',
        '\n{"loss": 0.',
    )
    # A validation by itself.
    log(tmp_path, [validated(0, 44.0)], '20260103_000000')
    run = tool.read_run(str(tmp_path))
    assert run['loss'].steps == [1, 2, 3, 4, 5]
    assert run['loss'].values == [11.0, 12.0, 3.0, 4.0, 5.0]
    assert run['time'].values == [0.5] * 5 and 'mIoU' not in run
    again = tool.read_run(
        str(tmp_path / '20260102_000000/vis_data/scalars.json')
    )
    assert again['loss'].steps == [3, 4, 5]


def test_clear_errors(tmp_path):
    with pytest.raises(UsageError, match='no curves.*LocalVisBackend'):
        tool.read_run(str(tmp_path / 'nothing'))
    good = log(tmp_path / 'good', [trained(1, 1.0)])
    with pytest.raises(UsageError, match='has mIuO; there are loss, lr'):
        tool.plot_curves([good], ['loss', 'mIuO'])
    with pytest.raises(UsageError, match='jpg'):
        tool.plot_curves([good], out=str(tmp_path / 'x.jpg'))
    bad = log(tmp_path / 'bad', [trained(1, 1.0), 7, trained(2, 1.0)])
    with pytest.raises(UsageError, match='line 2'):
        tool.read_run(bad)


def test_runs_with_another_metric(tmp_path):
    """What was validated is drawn, whatever it is."""
    run = log(
        tmp_path / 'run',
        [
            trained(1, 3.0),
            dict(aAcc=80.0, mDice=30.0, mAcc=33.0, time=1.0, step=1),
            trained(2, 2.0),
            dict(aAcc=81.0, mDice=40.0, mAcc=35.0, time=1.0, step=2),
        ],
    )
    text = tool.plot_curves([run])
    assert '| run | mDice | 40 | 40 | 2 |' in text
    assert '| run | mAcc | 35 |' in text and '| time |' not in text
