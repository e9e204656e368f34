"""Datasets are told of a round, however their types are written."""

import pytest

from mmsemi.datasets import PseudoLabelDataset
from mmsemi.datasets.transforms import RareClassCrop
from mmsemi.engine.loops.round_data import tell_datasets

LABELS = dict(folder='round_1', rare_classes=[3], rarest=[3, 1])


class OwnDataset(PseudoLabelDataset):
    pass


@pytest.mark.parametrize(
    'dataset, crop',
    [
        ('PseudoLabelDataset', 'RareClassCrop'),
        ('mmsemi.PseudoLabelDataset', 'mmsemi.RareClassCrop'),
        (PseudoLabelDataset, RareClassCrop),
        (OwnDataset, RareClassCrop),
    ],
)
def test_types_as_names_and_as_classes(dataset, crop):
    config = dict(
        type='SemiDataset',
        labeled=dict(type='BaseSegDataset', pipeline=[dict(type=crop)]),
        unlabeled=dict(type=dataset, dataset=dict(pipeline=[])),
    )
    tell_datasets(config, LABELS)
    assert config['unlabeled']['pseudo_label_dir'] == 'round_1'
    assert 'pseudo_label_dir' not in config['labeled']
    (step,) = config['labeled']['pipeline']
    assert step['classes'] == [3] and step['rarest'] == [3, 1]
    with pytest.raises(ValueError, match='add PseudoLabelHook'):
        tell_datasets(dict(type=dataset), {})
