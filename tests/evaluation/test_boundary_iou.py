import numpy as np
import pytest
import torch

from mmsemi.evaluation.boundary_iou import (
    BoundaryIoUMetric,
    boundary,
    boundary_areas,
    boundary_width,
)


def near_the_edge(mask, width):
    """Pixels with a pixel outside within a square of that reach."""
    height, length = mask.shape
    padded = np.pad(mask, width)
    return np.array(
        [
            [
                bool(mask[y, x])
                and not padded[
                    y : y + 2 * width + 1, x : x + 2 * width + 1
                ].all()
                for x in range(length)
            ]
            for y in range(height)
        ]
    )


@pytest.mark.parametrize('width', [1, 2, 3])
def test_a_boundary_is_what_is_near_the_edge(width) -> None:
    rng = np.random.default_rng(width)
    mask = (rng.random((14, 17)) < 0.9).astype(np.uint8)
    mask[2:9, 3:12] = 1
    assert (boundary(mask, width) == near_the_edge(mask, width)).all()


def test_the_width_is_a_share_of_the_diagonal() -> None:
    assert boundary_width((300, 400)) == 10
    assert boundary_width((3, 4)) == 1


def test_areas_of_a_square_that_is_one_pixel_off() -> None:
    truth = np.zeros((12, 12), np.uint8)
    truth[2:8, 2:8] = 1
    prediction = np.zeros((12, 12), np.uint8)
    prediction[2:8, 3:9] = 1
    areas = boundary_areas(prediction, truth, 3, 1)
    one, two = near_the_edge(prediction, 1), near_the_edge(truth, 1)
    assert areas[:, 1].tolist() == [
        (one & two).sum(),
        (one | two).sum(),
        20,
        20,
    ]
    assert areas[:, 2].tolist() == [0, 0, 0, 0]
    # What is not known counts nowhere.
    truth[:, 6:] = 255
    known = np.zeros((12, 12), bool)
    known[:, :6] = True
    areas = boundary_areas(prediction, truth, 2, 1)
    assert areas[2, 1] == (one & known).sum()


def sample(prediction, truth):
    return dict(
        pred_sem_seg=dict(data=torch.as_tensor(prediction)[None]),
        gt_sem_seg=dict(data=torch.as_tensor(truth)[None]),
    )


def test_the_metric_sums_over_images() -> None:
    rng = np.random.default_rng(0)
    pairs = [rng.integers(0, 3, (2, 20, 30)).astype(np.uint8) for _ in 'ab']
    metric = BoundaryIoUMetric()
    metric.dataset_meta = dict(classes=('x', 'y', 'z', 'never'))
    metric.process({}, [sample(*pair) for pair in pairs])
    found = metric.evaluate(2)['boundary_mIoU']
    areas = sum(boundary_areas(*pair, 4, 1) for pair in pairs)
    expected = 100 * np.mean(areas[0, :3] / areas[1, :3])
    assert found == pytest.approx(expected)
    assert metric.class_boundaries.iou['never'] is None
    metric.process({}, [sample(pairs[0][1], pairs[0][1])])
    assert metric.evaluate(1)['boundary_mIoU'] == 100
