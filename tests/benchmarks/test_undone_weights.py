import importlib.util

import numpy as np
import torch

from tests.conftest import ROOT
from tests.tiny import CLASSES, SIZE, make_tiny_set, tiny_config

spec = importlib.util.spec_from_file_location(
    'benchmark_undone_weights', ROOT / 'benchmarks/undone_weights.py'
)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


def test_counts_by_truth_and_label() -> None:
    table = np.zeros((2, 2), int)
    truth = np.uint8([[0, 1], [255, 1]])
    tool.count(table, truth, np.int64([[0, 0], [1, 1]]))
    assert table.tolist() == [[1, 0], [1, 1]]
    tool.count(table, truth.repeat(2, 0), np.int64([[0, 0], [1, 1]]))
    assert table.tolist() == [[2, 0], [2, 2]]


def test_undone_weights_take_pixels_from_heavy_classes(
    tmp_path, monkeypatch
) -> None:
    root = make_tiny_set(tmp_path / 'data')
    cfg = tiny_config(root, tmp_path / 'work')
    cfg.model.objective.criterion = dict(
        type='ClassBalancedCrossEntropyLoss', class_weight=(50.0, 1.0, 0.01)
    )
    monkeypatch.setattr(tool, 'TRUTH', str(root / 'masks'))
    model = tool.MODELS.build(cfg.model).eval()
    model.student.decode_head.conv_seg.bias.data[0] += 4
    dataset = tool.DATASETS.build(cfg.label_dataloader.dataset)
    with torch.no_grad():
        found = tool.confusions(model, dataset, 2)
    plain, undone = found['as it predicts'], found['weights undone']
    known = 5 * (SIZE[0] - 1) * SIZE[1]  # a row of each mask is unknown
    assert plain.shape == (len(CLASSES),) * 2
    assert plain.sum() == undone.sum() == known
    assert undone.sum(0)[0] < plain.sum(0)[0]
    assert undone.sum(0)[2] > plain.sum(0)[2]
