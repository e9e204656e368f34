"""Mixing of U2PL against its released code."""

import pytest
import torch

from mmsemi.models.mixing import ClassMix, CutMix, CutOut, box_mask
from mmsemi.models.targets import Targets
from mmsemi.ops.boxes import half_area_boxes
from tests.oracles.kinds import files, numbered


class Replay:
    """Gives recorded integers, each inside the range it is drawn from."""

    def __init__(self, values) -> None:
        self.values = iter(values)

    def randint(self, low: int, high: int) -> int:
        value = next(self.values)
        assert low <= value < high
        return value


def mix_cases(oracle_dir):
    for path in files(oracle_dir, 'u2pl', 'mix_augment'):
        yield from numbered(path, convert=torch.from_numpy).values()


def check(case: dict, mode: str, mixing, mask) -> None:
    """Mixed images, labels and confidences are the published ones."""
    targets = Targets(case['target'], case['conf'])
    before = [case['data'].clone(), case['target'].clone()]
    images, mixed = mixing.mix(case['data'], targets, mask)
    assert torch.equal(mask, case[f'{mode}_mask'] == 0)
    assert torch.equal(images, case[f'{mode}_new_data'])
    assert torch.equal(mixed.labels, case[f'{mode}_new_target'])
    assert torch.equal(mixed.confidence, case[f'{mode}_new_conf'])
    assert torch.equal(case['data'], before[0])
    assert torch.equal(case['target'], before[1])


@pytest.mark.parametrize('mode', ['cutmix', 'cutout'])
def test_boxes(oracle_dir, mode) -> None:
    mixing = CutMix('u2pl') if mode == 'cutmix' else CutOut('u2pl')
    for case in mix_cases(oracle_dir):
        if f'{mode}_mask' not in case:
            continue
        draws = case[f'{mode}_box_draws'].tolist()
        height, width = case['target'].shape[-2:]
        boxes = half_area_boxes(
            len(draws),
            height,
            width,
            Replay([value for row in draws for value in row]),
        )
        check(
            case,
            mode,
            mixing,
            box_mask(torch.from_numpy(boxes), height, width),
        )


def test_class_mix(oracle_dir) -> None:
    mixing = ClassMix()
    for case in mix_cases(oracle_dir):
        if 'classmix_mask' not in case:
            continue
        # The classes a permutation puts first are those that stay.
        scores = torch.zeros(len(case['target']), 256)
        for row, labels, order in zip(
            scores, case['target'], case['classmix_perm']
        ):
            present = labels.unique()
            order = order[order >= 0]
            row[present[order]] = torch.arange(
                len(order), 0, -1, dtype=torch.float32
            )
        mask = mixing.draw_mask(Targets(case['target']), scores)
        check(case, 'classmix', mixing, mask)
