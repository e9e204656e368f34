"""What tells runs apart, and what does not."""

import copy

from mmengine.config import Config

from mmsemi.engine.build import resolve_written
from mmsemi.report.recipe import (
    fingerprint,
    method_facts,
    overrides,
    recipe,
    run_facts,
)

TEXT = """
model = dict(
    type='MeanTeacher',
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.7))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=240)
data = dict(type='BaseSegDataset', data_root='data/a', ann_file='seed0.txt')
train_dataloader = dict(
    batch_size=8, num_workers=4,
    sampler=dict(type='SourceRatioSampler', samples_per_source=(4, 4)),
    dataset=dict(
        type='SemiDataset',
        labeled=dict(type='ConcatDataset', datasets=[data, data]),
        unlabeled=dict(type='UnlabeledDataset', dataset=data)))
randomness = dict(seed=0)
"""


def read(tmp_path):
    path = tmp_path / 'method' / 'set.py'
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXT)
    return Config.fromfile(path)


def test_seed_split_and_workers_are_the_same_recipe(tmp_path):
    cfg = read(tmp_path)
    other = copy.deepcopy(cfg)
    other.randomness.seed = 1
    other.work_dir = 'elsewhere'
    other.train_dataloader.num_workers = 0
    parts = other.train_dataloader.dataset
    parts.unlabeled.dataset.ann_file = 'seed1.txt'
    for part in parts.labeled.datasets:
        part.update(data_root='/mnt/a', ann_file='seed1.txt')
    assert fingerprint(recipe(cfg)) == fingerprint(recipe(other))
    assert overrides(other, resolve_written) == []


def test_overrides_are_named_with_both_values(tmp_path):
    cfg = read(tmp_path)
    cfg.merge_from_dict(
        {
            'train_cfg.max_iters': 140,
            'train_dataloader.sampler.samples_per_source': (4, 0),
            'load_from': 'segmentor.pth',
        }
    )
    facts = run_facts(cfg, resolve_written)
    assert facts['overrides'] == [
        'load_from: False -> True',
        'train_cfg.max_iters: 240 -> 140',
        'train_dataloader.sampler.samples_per_source: [4, 4] -> [4, 0]',
    ]
    assert facts['recipe'] != fingerprint(recipe(read(tmp_path)))


def test_a_method_with_no_unlabeled_image_says_so(tmp_path):
    cfg = read(tmp_path)
    expected = dict(
        segmentor='MeanTeacher',
        loop='IterBasedTrainLoop',
        pseudo_labeler='ConfidencePseudoLabeler',
        labeled_only=False,
    )
    assert method_facts(cfg) == expected
    cfg.train_dataloader.sampler.samples_per_source = (4, 0)
    assert method_facts(cfg) == dict(expected, labeled_only=True)


def test_types_given_as_classes_have_names():
    from mmsemi.models.pseudo_labelers import ConfidencePseudoLabeler

    cfg = Config(
        dict(
            model=dict(
                type='mmsemi.MeanTeacher',
                pseudo_labeler=dict(type=ConfidencePseudoLabeler),
            ),
            train_cfg=None,
        )
    )
    facts = method_facts(cfg)
    assert facts['segmentor'] == 'MeanTeacher'
    assert facts['pseudo_labeler'] == 'ConfidencePseudoLabeler'


def test_file_that_is_gone_is_said(tmp_path):
    cfg = read(tmp_path)
    (tmp_path / 'method' / 'set.py').unlink()
    assert overrides(cfg, resolve_written) is None
