"""Numbers of the configs of ST and ST++."""

import pytest

from tests.configs import config

VOC, CITY = 10582, 2975
NAMES = [
    f'{folder}/{name}'
    for folder in ('st', 'st_plus_plus')
    for name in ('voc_1464', 'cityscapes_744', 'camvid_1-16', 'nuclei_1-32')
]


@pytest.mark.parametrize(
    'data, split, labeled, images, epochs, passes',
    [
        ('voc_1464', None, 1464, VOC, 80, 1),
        ('voc_1464', '92', 92, VOC, 80, 2),
        ('voc_1464', '366', 366, VOC, 80, 1),
        ('voc_1464', 'cps_1-16', 662, VOC, 80, 1),
        ('cityscapes_744', None, 744, CITY, 240, 1),
        ('cityscapes_744', '186', 186, CITY, 240, 2),
    ],
)
def test_published_lengths(data, split, labeled, images, epochs, passes):
    """Batches of 16 of the labeled images, then of both kinds alike."""
    loop = config(f'st/{data}', split).train_cfg
    assert loop.supervised_iters == epochs * passes * -(-labeled // 16)
    whole = epochs * -(-(images - labeled) // 8)
    assert loop.iters_per_round == whole
    loop = config(f'st_plus_plus/{data}', split).train_cfg
    assert loop.iters_per_round == (whole // 2, whole)
    assert loop.portions == (1.0, 1.0)


@pytest.mark.parametrize('name', NAMES)
def test_only_unlabeled_images_look_strange(name):
    cfg = config(name)
    assert cfg.train_cfg.start_from == 'scratch'
    hook = next(h for h in cfg.custom_hooks if 'labeler' in h)
    first = name.startswith('st_plus_plus')
    assert hook.type == ('ReliableFirstHook' if first else 'PseudoLabelHook')
    assert hook.labeler.threshold == 0 and hook.flip
    # All pixels keep what the network predicts, as it is evaluated.
    assert not hook.get('undo_class_weights')
    # None is trained shorter than the one whose labels it learns.
    lengths = cfg.train_cfg.iters_per_round
    lengths = lengths if first else (lengths,)
    assert min(lengths) >= cfg.train_cfg.supervised_iters
    data = cfg.semi_dataloader.dataset
    steps = [s.type for s in data.unlabeled.dataset.pipeline]
    assert steps[-5:-1] == [
        'ColorJitter',
        'RandomGray',
        'RandomGaussianBlur',
        'NoiseCutOut',
    ]
    labeled = [s.type for s in data.labeled.pipeline]
    assert not set(steps[-5:-1]) & set(labeled)
    # The same geometry for both.
    found = labeled[labeled.index('LoadMask') + 1 : -1]
    start = steps.index('LoadPseudoLabel') + 1
    assert [s for s in found if s != 'Resize'] == steps[start:-5] != []
    samples = cfg.semi_dataloader.sampler.samples_per_source
    assert samples[0] == samples[1]
