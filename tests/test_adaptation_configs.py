"""Numbers and networks of the configs of domain adaptation."""

import copy
import math
from unittest.mock import MagicMock

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmsemi.datasets.samplers.source_subset import SourceSubsetSampler
from mmsemi.models.targets import Targets
from mmsemi.registry import DATASETS, LOOPS, MODELS
from tests.configs import config
from tests.conftest import ROOT
from tests.models.tiny import batch

NAMES = [
    f'{path.parent.name}/{path.stem}'
    for source in ('gta5', 'synthia')
    for path in sorted(ROOT.glob(f'configs/[!_]*/{source}_*.py'))
]
ROUNDS = [name for name in NAMES if not name.startswith('source_only')]
CRST = [name for name in ROUNDS if 'deeplabv' in name or 'crst/' in name]
SIZE = (32, 64)


def student(cfg):
    return cfg.model.get('student', cfg.model)


def test_every_config_that_was_promised():
    both = {
        f'source_only/{{}}_{net}'
        for net in ('deeplabv2_r101', 'resnet38', 'deeplabv3plus_r101')
    }
    both |= {
        f'cbst/{{}}_to_cityscapes{suffix}'
        for suffix in ('', '_st', '_deeplabv2', '_deeplabv3plus')
    }
    both |= {
        f'crst/{{}}_to_cityscapes_{kind}'
        for kind in ('mrkld', 'lrent', 'mrl2', 'mrent')
    }
    expected = {
        name.format(source) for name in both for source in ('gta5', 'synthia')
    }
    released = {
        'source_only/gta5_deeplabv2_r101_released',
        'cbst/gta5_to_cityscapes_deeplabv2_released',
        'crst/gta5_to_cityscapes_mrkld_released',
        'crst/gta5_to_cityscapes_lrent_released',
    }
    assert set(NAMES) == (expected | released | {'cbst/gta5_to_cityscapes_sp'})


@pytest.mark.parametrize('name', NAMES)
def test_classes_and_sizes_agree(name):
    cfg = config(name)
    classes = 16 if '/synthia' in name else 19
    network = student(cfg)
    heads = [
        network[key]
        for key in ('decode_head', 'auxiliary_head')
        if key in network
    ]
    assert {head.num_classes for head in heads} == {classes}
    assert ('classes' in cfg.val_dataloader.dataset.get('metainfo', {})) == (
        classes == 16
    )
    pipelines = [cfg.train_dataloader.dataset.pipeline]
    if name in ROUNDS:
        parts = cfg.semi_dataloader.dataset
        pipelines = [parts.labeled.pipeline, parts.unlabeled.dataset.pipeline]
    for pipeline in pipelines:
        sizes = [
            tuple(step.get('crop_size') or step.size)
            for step in pipeline
            if step.type in ('RandomCrop', 'RareClassCrop', 'PadSegFields')
        ]
        assert sizes == [tuple(network.data_preprocessor.size)] * 2


@pytest.mark.parametrize('name', ROUNDS)
def test_published_rounds(name):
    cfg = config(name)
    gta5, published_crst = '/gta5' in name, name in CRST
    rounds = (3 if gta5 else 4) if published_crst else 6
    loop = LOOPS.build(
        dict(
            cfg.train_cfg,
            runner=MagicMock(),
            dataloader=MagicMock(),
            epochs_per_round=None,
            iters_per_round=1,
        )
    )
    # As the released commands of CBST on GTA5 have it.
    start = 0.15 if gta5 and not published_crst else 0.2
    assert loop.portions == pytest.approx(
        [start + 0.05 * k for k in range(rounds)]
    )
    assert cfg.train_cfg.epochs_per_round == 2
    assert cfg.semi_dataloader.batch_size == 2
    scales = (
        [1.0] * rounds
        if published_crst
        else [math.sqrt(0.5) ** k for k in range(rounds)]
    )
    assert loop.lr_scales == pytest.approx([1.0] + scales)

    data = MagicMock(cumulative_sizes=[9400, 9400 + 2975])
    arguments = {
        k: v for k, v in cfg.semi_dataloader.sampler.items() if k != 'type'
    }
    sampler = SourceSubsetSampler(data, seed=0, **arguments)
    start = 0.03 if gta5 else 0.02
    assert sampler.portions == pytest.approx(
        [start + 0.0025 * k for k in range(rounds)]
    )
    assert sampler.policy == ('resample' if published_crst else 'cumulative')
    assert sampler.subset_seed == (3 if published_crst and gta5 else 0)

    hook = cfg.custom_hooks[-1]
    assert hook.type == 'PseudoLabelHook' and hook.flip
    assert hook.scales == pytest.approx(
        [0.9 if published_crst else 1850 / 2048]
    )
    assert hook.labeler.ds_rate == 4 and hook.rare_share == 1e-3
    assert hook.labeler.get('per_class', True) != name.endswith('_st')
    assert ('prior' in hook.labeler) == name.endswith('_sp')
    assert hook.labeler.get('alpha') == (0.25 if 'lrent' in name else None)
    assert cfg.param_scheduler is None and cfg.load_from


@pytest.mark.parametrize('name', ROUNDS)
def test_starts_from_the_source_model_of_the_same_network(name):
    cfg = config(name)
    source = cfg.load_from.split('source_only_')[1].replace('.pth', '')
    plain = config(f'source_only/{source}').model
    for part in ('backbone', 'decode_head'):
        ours, theirs = (
            copy.deepcopy(model[part]).to_dict()
            for model in (student(cfg), plain)
        )
        for model in (ours, theirs):
            model.pop('init_cfg', None)
        assert ours == theirs


@pytest.mark.parametrize('name', ROUNDS)
def test_objectives(name):
    cfg = config(name)
    kind = {'mrkld': 'kld', 'mrl2': 'l2', 'mrent': 'ent'}.get(
        name.removesuffix('_released').split('_')[-1]
    )
    objective = MODELS.build(cfg.model.objective)
    assert objective.regularizer == kind
    torch.manual_seed(0)
    logits = torch.randn(2, 16, 4, 4, requires_grad=True)
    labels = torch.randint(0, 16, (2, 4, 4))
    losses = objective(
        logits, Targets(labels, pseudo=torch.tensor([False, True]))
    )
    assert ('loss_reg' in losses) == (kind is not None)
    if kind == 'kld':  # what the released script's 0.1 amounts to
        assert objective.loss_weight == 0.01
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert torch.isfinite(logits.grad).all() and logits.grad.any()


@pytest.fixture
def lists(tmp_path, monkeypatch):
    """Lists as long as the published ones."""
    monkeypatch.chdir(tmp_path)
    split = tmp_path / 'split'
    split.mkdir()
    for name, number in (('labeled', 19984), ('unlabeled', 505)):
        (split / f'{name}.txt').write_text(
            ''.join(f'{k:05d}\n' for k in range(number))
        )
    return str(split)


def test_iterations_with_the_published_lists(lists):
    """552, 577 and 602 iterations an epoch, as counted from CRST's code."""
    cfg = config('crst/gta5_to_cityscapes_mrkld', lists)
    for part in (
        cfg.semi_dataloader.dataset.labeled,
        cfg.label_dataloader.dataset.dataset,
    ):
        part.update(pipeline=[], serialize_data=False)
        assert len(DATASETS.build(part)) in (19984, 505)
    loop = LOOPS.build(
        dict(cfg.train_cfg, runner=MagicMock(cfg=cfg), dataloader=MagicMock())
    )
    lengths = [b - a for a, b in zip(loop.round_ends, loop.round_ends[1:])]
    assert lengths == [2 * 552, 2 * 577, 2 * 602]


def groups(cfg):
    """Parameters by their learning rate and weight decay, by name."""
    with torch.device('meta'):  # neither memory nor time
        model = MODELS.build(student(cfg))
    wrapper = build_optim_wrapper(model, copy.deepcopy(cfg.optim_wrapper))
    names = {id(p): name for name, p in model.named_parameters()}
    return model, {
        names[id(p)]: (group['lr'], group['weight_decay'])
        for group in wrapper.param_groups
        for p in group['params']
        if p.requires_grad
    }


@pytest.mark.parametrize(
    'name, rate',
    [
        ('source_only/gta5_deeplabv2_r101', 2.5e-4),
        ('cbst/gta5_to_cityscapes_deeplabv2', 5e-5),
    ],
)
def test_deeplabv2_of_crst(name, rate):
    cfg = config(name)
    model, found = groups(cfg)
    number = sum(p.numel() for p in model.parameters())
    assert round(number / 1e6, 1) == 43.9
    assert len(model.decode_head.convs) == 4
    # Only convolutions learn; BatchNorm neither learns nor counts.
    assert not any('bn' in name or 'downsample.1' in name for name in found)
    for name, value in found.items():
        head = name.startswith('decode_head')
        assert value == (pytest.approx(10 * rate if head else rate), 5e-4)
    model.train()
    assert not any(
        m.training
        for m in model.backbone.modules()
        if isinstance(m, nn.BatchNorm2d)
    )
    block = model.backbone.layer2[0]
    assert block.conv1.stride == (2, 2) and block.conv2.stride == (1, 1)
    dilations = [
        {m.conv2.dilation for m in layer}
        for layer in (model.backbone.layer3, model.backbone.layer4)
    ]
    assert dilations == [{(2, 2)}, {(4, 4)}]


@pytest.mark.parametrize(
    'name, rate',
    [('source_only/gta5_resnet38', 0.0016), ('cbst/gta5_to_cityscapes', 1e-4)],
)
def test_resnet38_of_cbst(name, rate):
    model, found = groups(config(name))
    assert len(found) == len(list(model.parameters()))
    biases = {name for name in found if name.endswith('.bias')}
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(biases) == len(norms) + 2  # and the two layers of the head
    for name, value in found.items():
        assert value == (
            (pytest.approx(2 * rate), 0)
            if name in biases
            else (pytest.approx(rate), 5e-4)
        )


@pytest.mark.parametrize(
    'name',
    [
        'crst/gta5_to_cityscapes_mrkld',
        'cbst/synthia_to_cityscapes',
        'cbst/synthia_to_cityscapes_deeplabv3plus',
    ],
)
def test_networks_learn_from_a_mixed_batch(name):
    cfg = config(name)
    torch.manual_seed(0)
    student(cfg).data_preprocessor.size = SIZE
    model = MODELS.build(cfg.model).train()
    data = model.data_preprocessor(
        batch(dict(sup=1, pseudo=1), SIZE, 16), True
    )
    losses, figures = model.parse_losses(model(**data, mode='loss'))
    assert torch.isfinite(losses) and losses > 0
    assert 'pseudo_weight' in figures
    losses.backward()
    grads = [p.grad for p in model.parameters() if p.requires_grad]
    assert all(g is not None and torch.isfinite(g).all() for g in grads)
    assert sum(bool(g.any()) for g in grads) / len(grads) > 0.9
    # Batches mix freely, so one kind may be missing.
    for kind in ('sup', 'pseudo'):
        other = dict(sup='pseudo', pseudo='sup')[kind]
        alone = batch({kind: 2}, SIZE, 16)
        alone = {
            key: {kind: value[kind], other: [None] * 2}
            for key, value in alone.items()
        }
        with torch.no_grad():
            data = model.data_preprocessor(alone, True)
            loss, _ = model.parse_losses(model(**data, mode='loss'))
        assert torch.isfinite(loss) and loss > 0
