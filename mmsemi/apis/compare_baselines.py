"""Baselines of a comparison, derived from what its methods share."""

import copy
import json
from collections import Counter
from collections.abc import Sequence

from mmengine.config import Config

from mmsemi.registry import HOOKS, is_type
from mmsemi.report.comparison import (
    ALL_LABELS,
    AVERAGED,
    LABELED_ONLY,
    SAME_IMAGES,
    SAME_LABELS,
)
from mmsemi.report.recipe import method_facts
from mmsemi.utils.errors import UsageError

from .compare_data import FACTS_OF_METHODS
from .compare_lengths import teacher_hook
from .compare_methods import Method, make_method, resolved

# Hooks of a method, or that look at unlabeled images: baselines have none.
HOOKS_OF_METHODS = (
    'CutMixPartnerHook',
    'GeneratorRefreshHook',
    'KeepWeightsHook',
    'MeanTeacherHook',
    'PseudoLabelAuditHook',
    'PseudoLabelHook',
    'ViewPictureHook',
)
# Pictures take time, and those of rounds show the truth.
PICTURES = ('RoundPictureHook', 'TrainingPictureHook', 'ViewPictureHook')
TEACHER = dict(
    type='MeanTeacherHook', momentum=0.01, schedule='inverse', buffers='ema'
)


def shared_base(methods: Sequence[Method]) -> Method:
    """The method whose network most of the others have; the first of them."""
    networks = [
        json.dumps(network_of(m.cfg).to_dict(), sort_keys=True, default=str)
        for m in methods
    ]
    most = Counter(networks).most_common(1)[0][0]
    return methods[networks.index(most)]


def network_of(cfg: Config) -> Config:
    """The network a method trains, as a plain segmentor learns."""
    model = copy.deepcopy(cfg.model)
    network = model.get('student', model)
    if not isinstance(network, dict):
        network = resolved(cfg, None).model.student
    criterion = (model.get('objective') or {}).get('criterion')
    head = network.get('decode_head')
    if criterion and isinstance(head, dict):
        head['loss_decode'] = criterion
    return network


def supervised(base: Method) -> Config:
    """The config of a method's network on labeled images alone."""
    cfg = copy.deepcopy(base.cfg)
    length = base.iterations
    cfg.model = network_of(cfg)
    cfg.train_cfg = dict(
        type='IterBasedTrainLoop', max_iters=length, val_interval=length
    )
    cfg.val_cfg = dict(type='ValLoop')
    for key in ('semi_dataloader', 'label_dataloader', 'baseline_cfg'):
        cfg.pop(key, None)
    if cfg.get('data') is not None:
        cfg.regime = 'supervised'
        for key in FACTS_OF_METHODS:
            cfg.data.pop(key, None)
        batch = dict(cfg.data.get('batch') or {})
        both = batch.get('labeled', 0) + batch.get('unlabeled', 0)
        if 'alone' not in batch and both:
            cfg.data.batch = dict(batch, alone=both)
    elif not method_facts(cfg)['labeled_only']:
        raise UsageError(
            f'{base.config} does not state its data as facts (`data`), so no '
            'baseline can be derived of it. Give --no-baselines, and name a '
            'config of your own on labeled images'
        )
    drop_hooks(cfg, HOOKS_OF_METHODS + PICTURES)
    return cfg


def drop_hooks(cfg: Config, kinds: Sequence[str]) -> None:
    """Remove hooks from a config, wherever it names them."""
    for key in ('hooks', 'default_hooks'):
        hooks = cfg.get(key) or {}
        for name in [n for n, h in hooks.items() if h and _is(h, kinds)]:
            hooks.pop(name)
    if cfg.get('custom_hooks'):
        cfg.custom_hooks = [h for h in cfg.custom_hooks if not _is(h, kinds)]


def _is(hook: dict, kinds: Sequence[str]) -> bool:
    return bool(hook.get('type')) and is_type(hook, HOOKS, *kinds)


def baselines(methods: Sequence[Method], split: str | None) -> list[Method]:
    """What the methods are to be held against, of their length.

    - labeled images only, as many iterations as the longest method;
    - the same with as many images drawn as the method that draws most, where
      that is more;
    - the same with as many labeled images in a batch as most methods have
      beside unlabeled ones, where that is fewer: what differs from it is
      due to unlabeled images, not to a smaller labeled batch;
    - an averaged teacher that sees labeled images only;
    - all labels: the first, to be run with the labels of all images.
    """
    base = shared_base(methods)
    length = max(m.iterations for m in methods)
    plain = supervised(base)

    def derived(name: str, cfg: Config, iterations: int) -> Method:
        return make_method(
            name, base.config, cfg, 'baseline', iterations, split
        )

    first = derived(LABELED_ONLY, copy.deepcopy(plain), length)
    found = [first]
    most = max(m.images for m in methods)
    if most > first.images:
        step = first.images // first.iterations
        found.append(
            derived(SAME_IMAGES, copy.deepcopy(plain), -(-most // step))
        )
    step = labeled_batch(methods)
    if step and step < (first.labeled_batch or 0):
        smaller = copy.deepcopy(plain)
        if smaller.get('data') is not None:
            smaller.data.batch.alone = step
        else:
            smaller.train_dataloader.batch_size = step
        found.append(derived(SAME_LABELS, smaller, length))
    averaged = copy.deepcopy(plain)
    averaged.model = dict(
        type='MeanTeacher',
        student=plain.model,
        pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.95),
        unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
        semi_test_cfg=dict(predict_on='teacher'),
    )
    teacher = next(
        filter(None, (teacher_hook(m.cfg) for m in methods)), TEACHER
    )
    averaged.custom_hooks = [
        *(averaged.get('custom_hooks') or []),
        copy.deepcopy(teacher),
    ]
    found.append(derived(AVERAGED, averaged, length))
    found.append(derived(ALL_LABELS, copy.deepcopy(plain), length))
    return found


def labeled_batch(methods: Sequence[Method]) -> int | None:
    """Labeled images in a batch of most methods, the first of equals."""
    known = Counter(m.labeled_batch for m in methods if m.labeled_batch)
    return known.most_common(1)[0][0] if known else None
