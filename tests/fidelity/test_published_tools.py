"""What the published repositories let a person do, beside training."""

import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmsemi.apis.test import label_id_table, write_label_ids
from mmsemi.apis.train import add_tensorboard
from mmsemi.prepare.word_vectors import class_lines
from mmsemi.registry import METRICS, MODELS
from mmsemi.utils.errors import UsageError
from tests.configs import config


class Runs:
    """Stands for a runner with test data of some classes."""

    def __init__(self, classes) -> None:
        self.test_dataloader = self
        self.dataset = self
        self.metainfo = dict(classes=classes)


def test_label_ids_for_the_server_of_cityscapes(tmp_path) -> None:
    from mmseg.datasets import CityscapesDataset

    classes = CityscapesDataset.METAINFO['classes']
    table = label_id_table(Runs(classes))
    (tmp_path / 'town').mkdir()
    ids = np.array([[0, 1, 10], [13, 18, 255]], np.uint8)
    cv2.imwrite(str(tmp_path / 'town/a.png'), ids)
    write_label_ids(str(tmp_path), table)
    found = cv2.imread(str(tmp_path / 'town/a.png'), cv2.IMREAD_UNCHANGED)
    # road, sidewalk, sky, car, bicycle and what is no class
    assert found.tolist() == [[7, 8, 23], [26, 33, 0]]
    with pytest.raises(UsageError, match='only the 19 classes'):
        label_id_table(Runs(('a', 'b')))


def test_plain_zero_label_evaluation() -> None:
    """Pixels of unseen classes alone count, and only these are predicted."""
    torch.manual_seed(0)
    metric = METRICS.build(
        dict(type='GeneralizedZeroLabelMetric', num_seen=3, unseen_only=True)
    )
    metric.dataset_meta = dict(classes=tuple('abcde'))
    truth = torch.randint(0, 5, (1, 20, 30))
    truth[:, :2] = 254
    predicted = torch.randint(3, 5, (1, 20, 30))  # as gamma=1 has it
    sample = dict(
        pred_sem_seg=dict(data=predicted), gt_sem_seg=dict(data=truth)
    )
    metric.process({}, [sample])
    scores = metric.evaluate(1)
    unseen = (truth >= 3) & (truth < 5)
    expected = []
    for k in (3, 4):
        p, t = (predicted == k) & unseen, (truth == k)
        expected.append((p & t).sum() / (p | t).sum())
    wanted = 100 * torch.stack(expected).mean().item()
    assert scores['mIoU'] == pytest.approx(wanted, abs=0.01)
    accuracy = 100 * (predicted == truth)[unseen].float().mean().item()
    assert scores['aAcc'] == pytest.approx(accuracy, abs=0.01)
    assert not any('seen' in name for name in scores)


def test_names_of_classes_as_spnet_brings_them() -> None:
    lines = ['0\tbackground', '1\taeroplane', '2\tpotted plant', '']
    assert list(class_lines(lines)) == [
        'background',
        'aeroplane',
        'potted plant',
    ]
    with pytest.raises(UsageError, match="'sofa' has the id 3 in row 1"):
        class_lines(['0\tbackground', '3\tsofa'])


@pytest.mark.parametrize('classes, warned', [(3, True), (4, False)])
def test_ranks_that_leave_no_negatives_are_named(
    classes, warned, capsys, monkeypatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        'mmsemi.models.segmentors.u2pl.print_log',
        lambda message, *_: said.append(message),
    )
    cfg = config('u2pl/camvid_1-16').model
    cfg.student.decode_head.num_classes = classes
    loss = cfg.student.decode_head.loss_decode
    for part in (loss, cfg.get('unsup_loss', {}).get('criterion')):
        if part and part.get('class_frequency') == 'labeled':
            part.class_frequency = [1] * classes
    MODELS.build(cfg)
    assert any('no unlabeled pixel will be' in line for line in said) == warned


def test_tensorboard_by_one_option(monkeypatch) -> None:
    cfg = config('dst_cbc/shapes')
    module = sys.modules[add_tensorboard.__module__]
    monkeypatch.setattr(module, 'find_spec', lambda name: None)
    with pytest.raises(UsageError, match='pip install tensorboard'):
        add_tensorboard(cfg)
    monkeypatch.setattr(module, 'find_spec', lambda name: name)
    for _ in range(2):
        add_tensorboard(cfg)
        kinds = [b.type for b in Config(dict(v=cfg.visualizer)).v.vis_backends]
        assert kinds == ['LocalVisBackend', 'TensorboardVisBackend']
