"""Numbers of the configs of the methods compared with each other."""

import pytest

from mmsemi.registry import DATASETS, HOOKS
from tests.configs import config
from tests.conftest import ROOT

NAMES = [
    f'{path.parent.name}/{path.stem}'
    for folder in ('augseg', 'corrmatch', 'cps', 'unimatch', 'unimatch_v2')
    for path in sorted((ROOT / 'configs' / folder).glob('*.py'))
]
# Totals of the published runs.
ITERATIONS = [
    ('augseg/voc_1464', '92', 80 * 655),
    ('augseg/voc_1464', None, 80 * 569),
    ('augseg/cityscapes_744', '186', 240 * 174),
    ('unimatch/voc_1464_second_stream', '92', 104880),
    ('corrmatch/voc_1464', '92', 104880),
    ('corrmatch/cityscapes_744', '372', 78000),
    ('unimatch_v2/voc_1464', '92', 39300),
    ('unimatch_v2/voc_1464_small', '183', 39000),
    ('unimatch_v2/voc_1464_large', '366', 38280),
    ('unimatch_v2/voc_1464_frozen', None, 34200),
    ('unimatch_v2/voc_1464_small_cached', None, 34200),
    ('unimatch_v2/cityscapes_744', '186', 180 * 349),
    ('unimatch_v2/ade20k_1-16', None, 60 * 2368),
    ('unimatch_v2/coco_1-128', '1_512', 20 * 7378),
    ('unimatch/voc_1464', '92', 104880),
    ('unimatch/voc_1464', '183', 104000),
    ('unimatch/voc_1464', '366', 102160),
    ('unimatch/voc_1464', '732', 98480),
    ('unimatch/voc_1464', None, 91200),
    ('unimatch/voc_1464', 'cps_1-16', 99200),
    ('unimatch/voc_1464', 'cps_1-8', 92560),
    ('unimatch/voc_1464', 'cps_1-4', 79360),
    ('unimatch/cityscapes_744', '186', 83760),
    ('unimatch/cityscapes_744', '372', 78000),
    ('unimatch/cityscapes_744', None, 66960),
    ('unimatch/cityscapes_744', '1488', 44640),
    ('unimatch/cityscapes_744', 'cps_1-2', 44640),
    ('unimatch_v2/cityscapes_744', 'cps_1-16', 180 * 349),
    ('cps/cityscapes_372', None, 137 * 325),
    ('cps/cityscapes_372_cutmix', 'cps_1-2', 240 * 185),
    ('cps/voc_662', None, 32 * 1240),
    ('cps/voc_662', 'cps_1-8', 39338),
    ('cps/voc_662_cutmix', 'cps_1-4', 40 * 992),
]


@pytest.mark.parametrize('name, split, iterations', ITERATIONS)
def test_published_iterations(name, split, iterations):
    cfg = config(name, split)
    assert cfg.train_cfg.max_iters == iterations
    assert cfg.param_scheduler[-1].end == iterations + 1
    number = 8
    if name.startswith(('augseg', 'unimatch_v2/voc', 'unimatch_v2/coco')):
        number = 16
    loader = cfg.train_dataloader
    assert loader.batch_size == 2 * number
    assert list(loader.sampler.samples_per_source) == [number, number]


@pytest.mark.parametrize('split', [None, 'cps_1-16', '744'])
@pytest.mark.parametrize('method', ['unimatch', 'unimatch_v2', 'corrmatch'])
def test_lists_of_cityscapes_are_the_published_ones(method, split):
    """Of 744 images CPS and U2PL label others."""
    data = config(f'{method}/cityscapes_744', split).train_dataloader.dataset
    folder = {
        None: 'unimatch/1_4',
        'cps_1-16': 'unimatch/1_16',
        '744': 'u2pl/744',
    }[split]
    for role, dataset in (
        ('labeled', data.labeled),
        ('unlabeled', data.unlabeled.dataset),
    ):
        assert dataset.ann_file == (
            f'data/splits/cityscapes/{folder}/{role}.txt'
        )


@pytest.mark.parametrize('name', NAMES)
def test_views_share_their_geometry(name):
    """No mask of an unlabeled image is read, no view moves alone."""
    cfg = config(name)
    pipeline = cfg.train_dataloader.dataset.unlabeled.dataset.pipeline
    steps = [step.type for step in pipeline]
    assert steps[:2] == ['LoadImageFromFile', 'InitValidMap']
    assert 'LoadMask' not in steps
    last = pipeline[-1]
    if last.type == 'MultiStream':  # the same twice, under other names
        pipeline, other = last.streams
        assert [s.type for s in pipeline] == [s.type for s in other]
        assert list(other[-1]) == [
            key.replace('unsup', 'partner') for key in pipeline[-1]
        ]
    views = dict(pipeline[-1])
    assert views.pop('type') == 'MultiBranch'
    assert [step.type for step in views.pop('unsup_teacher')] == [
        'PackSemiInputs'
    ]
    colors = ['ColorJitter', 'RandomGray', 'RandomGaussianBlur']
    wanted = dict(cps=[], augseg=[['RandomIntensityAug']], corrmatch=[colors])
    wanted = wanted.get(name.partition('/')[0], [colors, colors])
    found = [[step.type for step in view] for view in views.values()]
    assert found == [[*steps, 'PackSemiInputs'] for steps in wanted]
    crop, *_ = (
        s.get('crop_size') or s.scale[::-1]
        for s in pipeline
        if s.type == ('Resize' if 'cached' in name else 'RandomCrop')
    )
    assert tuple(cfg.model.student.data_preprocessor.size) == tuple(crop)
    with_teacher = any(
        hook.type == 'MeanTeacherHook' for hook in cfg.get('custom_hooks', [])
    )
    assert with_teacher == name.startswith(('augseg', 'unimatch_v2'))


@pytest.mark.parametrize(
    'name, number, first, last',
    [
        ('unimatch_v2/ade20k_1-16', 150, 'wall', 'flag'),
        ('unimatch_v2/coco_1-128', 81, 'background', 'toothbrush'),
    ],
)
def test_classes(name, number, first, last):
    cfg = config(name)
    assert cfg.model.student.decode_head.num_classes == number
    kind = DATASETS.get(cfg.val_dataloader.dataset.type)
    classes, palette = kind.METAINFO['classes'], kind.METAINFO['palette']
    assert (classes[0], classes[-1]) == (first, last)
    assert len(set(classes)) == len(palette) == number


def test_the_student_labels_in_the_first_pass():
    """Of AugSeg; the teacher is its copy."""
    for split, length in (('92', 655), ('1464', 569)):
        cfg = config('augseg/voc_1464', split)
        (teacher,) = cfg.custom_hooks
        assert teacher.copy_until == length
        hook = HOOKS.build(teacher)
        assert hook.momentum_at(length - 1) == 1
        assert hook.momentum_at(length) == 1 / (length + 1)
        assert hook.momentum_at(2000) == 0.001


@pytest.mark.parametrize(
    'name',
    ['unimatch/camvid_1-16', 'unimatch_v2/camvid_1-16', 'cps/camvid_1-16'],
)
def test_camvid_compares_on_equal_terms(name):
    cfg, other = config(name), config('mean_teacher/camvid_1-16')
    assert cfg.model.student == other.model.student
    if name.startswith('cps'):  # class weights for labeled images alone
        assert cfg.model.unsup_loss.pop('criterion') is None
        other.model.unsup_loss.pop('criterion')
    assert cfg.model.unsup_loss == other.model.unsup_loss
    assert cfg.optim_wrapper == other.optim_wrapper
    assert cfg.param_scheduler == other.param_scheduler
    assert cfg.train_cfg == other.train_cfg
    assert cfg.train_dataloader.sampler == other.train_dataloader.sampler
    for role in ('labeled', 'unlabeled'):
        one, two = (c.train_dataloader.dataset[role] for c in (cfg, other))
        assert one.get('dataset', one).ann_file == (
            two.get('dataset', two).ann_file
        )
    assert cfg.val_dataloader == other.val_dataloader
