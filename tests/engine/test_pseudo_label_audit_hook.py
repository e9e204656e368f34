"""Accuracy of pseudo-labels per class in online training."""

import json
from pathlib import Path

import pytest
import torch

from mmsemi.engine.hooks import PseudoLabelAuditHook
from mmsemi.engine.hooks.pseudo_label_audit_hook import (
    REPORT,
    count,
    earlier_reports,
    new_counts,
    per_class,
    table,
)
from mmsemi.models.targets import Targets
from tests.engine.test_online_training import lines, online_config
from tests.tiny import CLASSES, make_tiny_set, train


def test_figures_by_hand():
    labels = torch.tensor([[[0, 0, 1, 1, 1, 255]]])
    weights = torch.tensor([[[1.0, 0.0, 1.0, 1.0, 0.5, 1.0]]])
    targets = Targets(
        labels, weights=weights, truth=torch.tensor([[[0, 0, 0, 1, 255, 1]]])
    )
    counts = new_counts(3, 'cpu')
    for _ in range(2):
        count(counts, targets, 3, labels)
    figures = per_class(counts, 'abc')
    assert figures['a'] == dict(
        predicted=pytest.approx(2 / 5),
        confident=0.5,
        right=1.0,
        found=pytest.approx(1 / 3),
    )
    assert figures['b'] == dict(
        predicted=pytest.approx(3 / 5), confident=1.0, right=0.5, found=1.0
    )
    nothing = dict(predicted=0.0, confident=None, right=None, found=None)
    assert figures['c'] == nothing
    assert table(figures).splitlines()[-1].split() == [
        'c',
        '0.0%',
        '-',
        '-',
        '-',
    ]
    assert per_class(new_counts(1, 'cpu'), 'a') == dict(a=nothing)
    # The same, where a loss gets no labels that do not count.
    again = new_counts(3, 'cpu')
    few = targets.change(labels=labels.masked_fill(weights == 0, 255))
    for _ in range(2):
        count(again, few, 3, labels)
    assert torch.equal(again, counts)


@pytest.mark.parametrize('mixing', [None, dict(type='ClassMix', prob=1.0)])
def test_report_of_a_run(tmp_path, mixing):
    cfg = online_config(
        make_tiny_set(tmp_path / 'data'), tmp_path / 'work', audit=True
    )
    cfg.model.mixing = mixing
    cfg.train_cfg.update(max_iters=5, val_interval=5)
    cfg.custom_hooks.append(dict(type='PseudoLabelAuditHook', interval=2))
    runner = train(cfg)
    assert not any(
        m._forward_hooks or m._forward_pre_hooks
        for m in runner.model.modules()
    )
    reports = json.loads(
        (Path(cfg.work_dir) / 'pseudo_label_audit.json').read_text()
    )
    assert [r['iterations'] for r in reports] == [[0, 2], [2, 4], [4, 5]]
    # One iteration: the figures that were logged, by class.
    logged = lines(cfg)[4][1]
    classes = reports[-1]['per_class']
    assert list(classes) == list(CLASSES)
    kept = {
        name: c['predicted'] * (c['confident'] or 0)
        for name, c in classes.items()
    }
    assert sum(kept.values()) == pytest.approx(
        logged['confident_ratio'], abs=1e-5
    )
    assert sum(c['predicted'] for c in classes.values()) == pytest.approx(1)
    # Row 0 has no ground truth, so the mean over classes is a near miss.
    accuracy = sum(kept[n] * (c['right'] or 0) for n, c in classes.items())
    assert accuracy / sum(kept.values()) == pytest.approx(
        logged['pseudo_label_accuracy'], abs=0.1
    )
    # So the summary of the run can say it.
    info = runner.message_hub.get_info('mmsemi/pseudo_labels')
    assert info['kept'] == pytest.approx(sum(kept.values()))
    assert info['accuracy'] == pytest.approx(
        logged['pseudo_label_accuracy'], abs=1e-5
    )
    (scalars,) = Path(cfg.work_dir).glob('*/vis_data/scalars.json')
    assert 'audit/found/' in scalars.read_text()


def test_without_audit_nothing_happens(tmp_path):
    cfg = online_config(make_tiny_set(tmp_path / 'data'), tmp_path / 'work')
    cfg.train_cfg.update(max_iters=2, val_interval=5)
    cfg.custom_hooks.append(dict(type='PseudoLabelAuditHook', interval=1))
    train(cfg)
    assert not (tmp_path / 'work/pseudo_label_audit.json').exists()
    with pytest.raises(ValueError, match='interval'):
        PseudoLabelAuditHook(interval=0)


def test_a_resumed_run_goes_on_with_its_reports(tmp_path):
    path = tmp_path / REPORT
    rows = [dict(iterations=[k, k + 2], per_class={}) for k in (0, 2, 4)]
    path.write_text(json.dumps(rows))
    assert earlier_reports(str(tmp_path), 5) == rows[:2]
    assert earlier_reports(str(tmp_path), 0) == []
    path.write_text('[1, 2]')  # damaged
    assert earlier_reports(str(tmp_path), 5) == []
