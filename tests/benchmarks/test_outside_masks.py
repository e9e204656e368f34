"""The benchmark of masks from elsewhere, on a few small images."""

import importlib.util
import json

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmsemi.models.segmentors import SelfTrainingSegmentor
from tests.compare.tiny_facts import write_configs
from tests.conftest import ROOT

spec = importlib.util.spec_from_file_location(
    'benchmark_outside_masks', ROOT / 'benchmarks/outside_masks.py'
)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


def test_damage_is_what_the_page_says() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 11, (6, 8)).astype(np.uint8)
    truth = truth.repeat(30, 0).repeat(30, 1)
    found = [tool.damaged(truth, rng) for _ in range(60)]
    wrong = np.mean([labels != truth for labels, _ in found])
    assert 0.2 < wrong < 0.6
    blobs = np.mean(
        [(m == tool.BLOBS) & (truth != tool.BLOBS) for m, _ in found]
    )
    assert blobs > 0.1
    sure = np.stack([sure for _, sure in found])
    off = np.stack([labels != truth for labels, _ in found])
    assert sure[off].mean() < sure[~off].mean() - 0.1


MASKED = ('none', 'raw', 'calibrated', 'filled', 'own')


@pytest.fixture(scope='module')
def done(tmp_path_factory):
    """Arguments, output folder, and the batches of each variant."""
    folder = write_configs(tmp_path_factory.mktemp('masks'))
    out = folder / 'out'
    arguments = (
        f'--out {out} --base 4 --iters 3 --precision 0.5 '
        f'--labeled {folder}/plain/tiny.py --rounds {folder}/rounds/tiny.py '
        f'--split {folder}/splits/tiny'
    ).split()
    seen: dict[str, list] = {}
    loss, train = SelfTrainingSegmentor.loss, tool.train
    begun: list[str] = []

    def watched(self, inputs, data_samples):
        seen.setdefault(begun[-1], []).append(
            {
                branch: (
                    images.clone(),
                    torch.stack(
                        [s.gt_sem_seg.data for s in data_samples[branch]]
                    ),
                )
                for branch, images in inputs.items()
            }
        )
        return loss(self, inputs, data_samples)

    def counted(config, run, **kwargs):
        begun.append(run.rpartition('/')[2])
        return train(config, run, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SelfTrainingSegmentor, 'loss', watched)
        patch.setattr(tool, 'train', counted)
        # Bars are called discs: wrong as a rule, unlike the ground.
        patch.setattr(
            tool,
            'damaged',
            lambda truth, rng: (
                np.where(truth == 2, 1, truth),
                np.full(truth.shape, 0.9),
            ),
        )
        tool.main(arguments)
        first = list(begun)
        DefaultScope._instance_dict.clear()  # as in a process of its own
        tool.main(arguments)
        # Each run once, and labels can be looked at alone.
        assert begun == first == ['base', *tool.VARIANTS]
        tool.main([*arguments, '--labels-alone'])
    return out, seen


def test_variants_differ_in_the_labels_of_other_images_alone(done) -> None:
    _, seen = done
    assert set(seen) == set(MASKED)
    for name in MASKED:
        assert len(seen[name]) == 3
        for own, other in zip(seen[name], seen['raw']):
            assert set(own) == {'sup', 'pseudo'}
            for branch in own:
                assert own[branch][0].equal(other[branch][0])
            assert own['sup'][1].equal(other['sup'][1])
    labels = {
        name: torch.cat([batch['pseudo'][1] for batch in seen[name]])
        for name in MASKED
    }
    assert (labels['none'] == 255).all()
    assert (labels['raw'] != 255).float().mean() > 0.8
    kept = labels['calibrated'] != 255
    assert 0 < kept.sum() < (labels['raw'] != 255).sum()
    assert labels['calibrated'][kept].equal(labels['raw'][kept])
    assert not labels['own'].equal(labels['raw'])
    assert labels['filled'].equal(
        torch.where(kept, labels['calibrated'], labels['own'])
    )


def test_the_table_says_what_the_runs_gave(done) -> None:
    out, _ = done
    content = json.loads((out / 'outside_masks.json').read_text())
    assert set(content['runs']) == {'base', *tool.VARIANTS}
    none, raw = (content['runs'][name]['0'] for name in ('none', 'raw'))
    assert content['differences']['raw']['mean'] == pytest.approx(
        raw['miou'] - none['miou']
    )
    assert 0.4 < raw['precision'] < 1 and 'precision' not in none
    text = (out / 'outside_masks.md').read_text()
    (row,) = (line for line in text.splitlines() if 'as they are' in line)
    assert [cell.strip() for cell in row.split('|')[2:5]] == [
        f'{raw["coverage"]:.1%}',
        f'{raw["precision"]:.1%}',
        f'{raw["miou"]:.1f}',
    ]
    assert str(out.parent) not in (out / 'outside_masks.md').read_text()
