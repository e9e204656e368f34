"""Training and evaluation maps of SPNet and STRICT."""

import numpy as np
import pytest

from mmsemi.datasets.transforms.zero_label import zero_label_table
from tests.oracles.kinds import files, load


def published(labels):
    """Our labels as the published code writes them: -1 for the rest."""
    return np.where(labels >= 254, -1, labels.astype(np.int64))


def names(ids):
    return [name_of(k) for k in ids]


def name_of(k):
    return f'class {k}'


@pytest.fixture
def stored(oracle_dir):
    return {
        path.stem: load(path)
        for path in files(oracle_dir, 'strict', 'label_maps')
    }


def settings(arrays):
    """``(prefix, data set, background, arguments)`` of the cases."""
    suffix = '_train_map'
    for key in arrays:
        if not key.endswith(suffix):
            continue
        prefix = key[: -len(suffix)]
        dataset, setting = prefix.rsplit('_', 1)
        background = setting == 'bkg'
        seen = arrays[f'{prefix}_seen_order'].tolist()
        order = arrays[f'{prefix}_all_order'].tolist()
        file_classes = names(range(max(max(order) + 1, len(order))))
        classes = names(order)
        # VOC calls id 0 background; COCO-Stuff has no such id.
        if dataset.startswith('voc'):
            file_classes[0] = 'background'
        if background:
            classes[0] = 'background'
        yield (
            prefix,
            dataset,
            background,
            dict(
                file_classes=file_classes, classes=classes, num_seen=len(seen)
            ),
        )


def test_training_maps(stored):
    for arrays in stored.values():
        for prefix, _, background, kwargs in settings(arrays):
            expected = arrays[f'{prefix}_train_map']
            for merge in (False, True):
                table = zero_label_table(**kwargs, merge_ignore=merge)
                np.testing.assert_array_equal(
                    published(table), expected, err_msg=prefix
                )
                # Merged, all that has no label is one value; else void is
                # apart from what may get a pseudo-label.
                assert (table[255] == 254) == (merge and not background)


def test_evaluation_maps(stored):
    for arrays in stored.values():
        for prefix, _, background, kwargs in settings(arrays):
            assert (
                arrays[f'{prefix}_eval_order'].tolist()
                == arrays[f'{prefix}_all_order'].tolist()
            )
            table = zero_label_table(**kwargs, evaluate=True)
            np.testing.assert_array_equal(
                table, arrays[f'{prefix}_eval_map'], err_msg=prefix
            )
            # Plain zero-label segmentation: the unseen classes alone.
            classes = kwargs['classes'][kwargs['num_seen'] :]
            if background:
                classes = ['background'] + classes
            table = zero_label_table(
                kwargs['file_classes'], classes, 0, evaluate=True
            )
            np.testing.assert_array_equal(
                table, arrays[f'{prefix}_eval_map_zlss'], err_msg=prefix
            )


def test_mapped_images(stored):
    for arrays in stored.values():
        for prefix, dataset, _, kwargs in settings(arrays):
            tables = dict(
                train=published(zero_label_table(**kwargs)),
                eval=zero_label_table(**kwargs, evaluate=True),
            )
            for key in arrays.like(rf'{dataset}_label_\w+'):
                letter = key.removeprefix(f'{dataset}_label_')
                for mode, table in tables.items():
                    name = f'{prefix}_{mode}_{letter}'
                    if name in arrays:
                        np.testing.assert_array_equal(
                            table[arrays[key]], arrays[name], err_msg=name
                        )
