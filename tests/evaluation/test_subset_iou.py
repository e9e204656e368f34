import pytest
import torch

from mmsemi.evaluation import SubsetIoUMetric
from mmsemi.registry import METRICS

CLASSES = ('road', 'wall', 'train')


def scores(prediction, label, absent='nan', subsets=None, **kwargs):
    metric = METRICS.build(
        dict(
            type='SubsetIoUMetric',
            subsets=subsets or dict(mIoU2=['road', 'wall'], one=['train']),
            absent=absent,
            **kwargs,
        )
    )
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(
        {},
        [
            dict(
                img_path='a.png',
                pred_sem_seg=dict(data=torch.tensor([prediction])),
                gt_sem_seg=dict(data=torch.tensor([label])),
            )
        ],
    )
    return metric.compute_metrics(metric.results)


@pytest.mark.parametrize('absent', ['nan', 'zero'])
def test_subset_and_all_from_one_run(absent):
    found = scores([[0, 0, 1, 1]], [[0, 0, 0, 255]], absent)
    # road 2/3, wall 0/1, train is absent; the ignored pixel is no error.
    assert found['mIoU2'] == pytest.approx(100 / 3, abs=0.01)
    assert found['mIoU'] == pytest.approx(
        100 / 3 if absent == 'nan' else 200 / 9, abs=0.01
    )
    assert found['aAcc'] == pytest.approx(200 / 3, abs=0.01)
    if absent == 'zero':
        assert found['one'] == 0
    else:
        assert found['one'] != found['one']


def test_a_class_outside_the_subset_takes_pixels_away():
    found = scores([[0, 2, 2, 1]], [[0, 0, 2, 1]])
    assert found['mIoU2'] == 75 and found['one'] == 50


def test_nothing_labeled():
    found = scores([[0, 1]], [[255, 255]])
    assert found['mIoU2'] != found['mIoU2']
    assert scores([[0, 1]], [[255, 255]], 'zero')['mIoU2'] == 0


def test_format_only_measures_nothing(tmp_path):
    assert (
        scores(
            [[0, 1], [1, 0]],
            [[0, 1], [1, 0]],
            format_only=True,
            output_dir=str(tmp_path),
        )
        == {}
    )
    assert (tmp_path / 'a.png').is_file()


def test_wrong_settings_are_found_before_training():
    with pytest.raises(ValueError, match=r"names \['sky'\], which are no"):
        scores([[0]], [[0]], subsets=dict(mIoU1=['sky', 'road']))
    for wrong in (
        dict(subsets=dict(mIoU=['road'])),
        dict(subsets=dict(x=[])),
        dict(subsets={}, absent='one'),
    ):
        with pytest.raises(ValueError):
            SubsetIoUMetric(**wrong)
