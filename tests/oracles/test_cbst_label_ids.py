"""Training ids to label ids as CRST's code writes them, and back."""

import numpy as np
import pytest

from mmsemi.datasets.transforms.labels import lookup_table, train_to_label_ids
from tests.oracles.kinds import files, load


@pytest.mark.parametrize('kind', ['crst_label_hard', 'crst_label_lrent'])
def test_written_label_ids(oracle_dir, kind):
    for path in files(oracle_dir, 'cbst', kind):
        case = load(path)
        train_ids = case['pseudo_label_train_id']
        label_ids = case['pseudo_label_label_id']
        # By the number of classes, as the code has two tables only.
        table = train_to_label_ids(case['prob'].shape[-1])
        np.testing.assert_array_equal(table[train_ids], label_ids, path.name)


@pytest.mark.parametrize('num_classes', [16, 19])
def test_round_trip(num_classes):
    table, back = train_to_label_ids(num_classes), lookup_table('cityscapes')
    train_ids = back[table[:num_classes]]
    present = [
        k for k in range(19) if num_classes == 19 or k not in (9, 14, 16)
    ]
    assert train_ids.tolist() == present
    assert back[table[num_classes:]].tolist() == [255] * (256 - num_classes)
