"""The sweep equals one evaluation per calibration."""

import json

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmsemi.apis import calibration as tool
from mmsemi.evaluation.calibration import calibrated_labels
from mmsemi.registry import METRICS, MODELS
from mmsemi.utils.errors import UsageError
from tests.oracles.kinds import files
from tests.tiny import make_tiny_set
from tests.tiny_zero_label import tiny_zero_label_config


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Config file and a checkpoint that predicts several classes."""
    init_default_scope('mmsemi')
    root = tmp_path_factory.mktemp('sweep')
    cfg = tiny_zero_label_config(make_tiny_set(root / 'data'), root / 'work')
    cfg.model.type = 'SPNet'
    # Set in the config: the sweep must not apply it twice.
    cfg.model.student.decode_head.gamma = 0.2
    torch.manual_seed(4)
    model = MODELS.build(cfg.model)
    model.init_weights()
    torch.save(dict(state_dict=model.state_dict()), root / 'model.pth')
    cfg.dump(root / 'config.py')
    return cfg, root


def test_rows_are_those_of_single_evaluations(run, capsys):
    cfg, root = run
    out = root / 'table.json'
    rows = tool.sweep_calibration(
        str(root / 'config.py'),
        str(root / 'model.pth'),
        (0, 0.4, 0.2),
        str(out),
        str(root / 'swept'),
        dict(log_level='INFO'),
    )
    # The table is on the terminal once, and in the log file.
    printed = ''.join(capsys.readouterr())
    (log,) = (root / 'swept').glob('**/*.log')
    for text in (printed, log.read_text()):
        assert text.count('| gamma |') == 1
        assert 'unseen classes: bar; protocol: native' in text
    assert [row['gamma'] for row in rows] == [0, 0.2, 0.4]
    assert len({row['mIoU'] for row in rows}) > 1
    for row in rows:
        single = cfg.copy()
        single.work_dir = str(root / 'single')
        single.load_from = str(root / 'model.pth')
        single.experiment_name = f'gamma{row["gamma"]}'
        single.model.student.decode_head.gamma = row['gamma']
        scores = Runner.from_cfg(single).test()
        for name in ('mIoU', 'mIoU_seen', 'mIoU_unseen', 'hIoU', 'aAcc'):
            assert scores[f'native/{name}'] == row[name]
    stored = json.loads(out.read_text())
    assert stored['rows'] == rows and stored['protocol'] == 'native'


def test_options_that_do_not_fit(run):
    cfg, _ = run
    for values in ((0, 1, 0), (0.5, 0.1, 0.1), (-1, 1, 0.5)):
        with pytest.raises(UsageError, match='--gammas'):
            tool.gamma_range(*values)
    assert tool.gamma_range(0, 1, 0.05)[-1] == 1
    plain = cfg.copy()
    plain.model = dict(decode_head=dict(type='FCNHead'))
    with pytest.raises(UsageError, match='SemanticEmbeddingHead'):
        tool.without_calibration(plain)
    with pytest.raises(ValueError, match='gammas'):
        METRICS.build(dict(type='CalibrationSweepMetric', gammas=[-0.1]))


def test_more_calibration_never_predicts_fewer_unseen_pixels():
    torch.manual_seed(0)
    probabilities = torch.randn(5, 6, 7).softmax(0)
    labels = calibrated_labels(probabilities, 3, [0, 0.1, 0.3, 1.01])
    assert torch.equal(labels[0], probabilities.argmax(0))
    unseen = (labels >= 3).flatten(1).sum(1)
    assert (unseen.diff() >= 0).all() and unseen[0] < unseen[-1]
    assert (labels[-1] >= 3).all()
    # All classes seen: nothing to calibrate.
    assert torch.equal(
        calibrated_labels(probabilities, 5, [0.5])[0], probabilities.argmax(0)
    )


def test_published_predictions(oracle_dir):
    import numpy as np
    import torch.nn.functional as F

    checked = 0
    for path in files(oracle_dir, 'strict', 'calibrated_prediction'):
        with np.load(path) as arrays:
            for key in arrays.files:
                if not key.endswith('_logits'):
                    continue
                name = key[: -len('_logits')]
                logits = F.interpolate(
                    torch.from_numpy(arrays[key]),
                    size=arrays[f'{name}_out_hw'].tolist(),
                    mode='bilinear',
                    align_corners=False,
                )
                gammas = [
                    k.rsplit('_', 1)[1]
                    for k in arrays.files
                    if k.startswith(f'{name}_pred_')
                ]
                values = [0.0 if g == 'none' else float(g) for g in gammas]
                for n, image in enumerate(logits):
                    labels = calibrated_labels(
                        image.softmax(0), int(arrays[f'{name}_n_seen']), values
                    )
                    for gamma, ours in zip(gammas, labels):
                        sure = arrays[f'{name}_margin_{gamma}'][n] > 1e-4
                        theirs = arrays[f'{name}_pred_{gamma}'][n]
                        assert (ours.numpy() == theirs)[sure].all()
                        checked += 1
    assert checked
