"""Numbers of the configs that train with unlabeled images in every batch."""

import re

import pytest

from mmsemi.datasets.splits import config_datasets
from tests.configs import config
from tests.conftest import ROOT

IMAGES = dict(voc=10582, cityscapes=2975)
EPOCHS = dict(voc=80, cityscapes=200)
# Processes and unlabeled images of each in the published runs of U2PL.
BATCH = dict(voc=(4, 4), cityscapes=(8, 2))
NAMES = [
    f'{path.parent.name}/{path.stem}'
    for folder in ('ael', 'fixmatch', 'mean_teacher', 'u2pl')
    for path in sorted((ROOT / 'configs' / folder).glob('*.py'))
]


SIZES = dict(
    voc=(92, 183, 366, 662, 732, 1323, 1464, 2646, 5291),
    cityscapes=(186, 372, 744, 1488),
)
SPLITS = [
    (name, data, size)
    for name in NAMES
    for data, sizes in SIZES.items()
    if re.fullmatch(rf'\w+/{data}_\d+(_ael|_released)?', name)
    for size in sizes
]


@pytest.mark.parametrize('name, data, labeled', SPLITS)
def test_published_iterations(name, data, labeled) -> None:
    cfg = config(name, str(labeled))
    processes, batch = BATCH[data]
    epoch = -(-(IMAGES[data] - labeled) // processes) // batch
    assert cfg.train_cfg.max_iters == EPOCHS[data] * epoch
    assert cfg.param_scheduler[-1].end == cfg.train_cfg.max_iters + 1
    loader, number = cfg.train_dataloader, processes * batch
    samples = [number, number]
    if 'ael' in name:
        # Half of the unlabeled images are partners of the others.
        assert loader.sampler.type == 'CutMixPartnerSampler'
        assert loader.batch_size == 3 * number
        assert any(
            hook.type == 'CutMixPartnerHook' for hook in cfg.custom_hooks
        )
        assert loader.dataset.paste.ann_file == loader.dataset.labeled.ann_file
        samples = [number, number, number // 2]
    else:
        assert loader.batch_size == sum(samples)
    assert list(loader.sampler.samples_per_source) == samples
    folder = dict(voc='voc12').get(data, data)
    lists = {
        role: dataset['ann_file']
        for role, dataset in config_datasets(cfg)
        if role != 'val'
    }
    assert lists == dict(
        labeled=f'data/splits/{folder}/u2pl/{labeled}/labeled.txt',
        unlabeled=f'data/splits/{folder}/u2pl/{labeled}/unlabeled.txt',
    )


@pytest.mark.parametrize('name, data, labeled', SPLITS)
def test_usual_split_is_in_the_name(name, data, labeled) -> None:
    if f'{data}_{labeled}' in name:
        same = config(name), config(name, str(labeled))
        assert same[0].to_dict() == same[1].to_dict()


@pytest.mark.parametrize('name', NAMES)
def test_views_share_their_geometry(name) -> None:
    """No mask of an unlabeled image is read, no view moves alone."""
    cfg = config(name)
    pipeline = cfg.train_dataloader.dataset.unlabeled.dataset.pipeline
    steps = [step.type for step in pipeline]
    assert steps[:2] == ['LoadImageFromFile', 'InitValidMap']
    assert 'LoadMask' not in steps and steps[-1] == 'MultiBranch'
    views = pipeline[-1]
    assert [step.type for step in views.unsup_teacher] == ['PackSemiInputs']
    colors = [step.type for step in views.unsup_student[:-1]]
    assert colors == (
        ['ColorJitter', 'RandomGray', 'RandomGaussianBlur']
        if name.startswith('fixmatch')
        else []
    )
    crop = next(
        step.crop_size for step in pipeline if step.type == 'RandomCrop'
    )
    # Where images are padded to a size, to that of the crops.
    size = cfg.model.student.data_preprocessor.get('size')
    assert size is None or tuple(size) == tuple(crop)
    assert cfg.model.semi_test_cfg.predict_on == 'teacher'
    assert any(hook.type == 'MeanTeacherHook' for hook in cfg.custom_hooks)
