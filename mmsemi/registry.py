"""Registries of mmsemi: one child for every registry of MMSegmentation.

A config with ``default_scope = 'mmsemi'`` finds our classes first and then
those of mmseg and mmengine. Locations of the parent are not imported by a
child, so each node lists mmseg's modules as well as ours.
"""

import mmseg.registry as parent
from mmengine.registry import Registry

from .io.checkpoints import guard_mmengine, guard_yaml
from .io.postscript import guard_pillow

# Whoever builds something of ours loads weights without running them.
guard_mmengine()
guard_yaml()
guard_pillow()


def _node(attribute: str, name: str, *locations: str) -> Registry:
    return Registry(
        name,
        parent=getattr(parent, attribute),
        scope='mmsemi',
        locations=list(locations),
    )


_MODELS = ('mmseg.models', 'mmsemi.models')
_ENGINE = ('mmseg.engine', 'mmsemi.engine')
_OPTIM = ('mmseg.engine.optimizers',)

RUNNERS = _node('RUNNERS', 'runner', *_ENGINE)
RUNNER_CONSTRUCTORS = _node('RUNNER_CONSTRUCTORS', 'runner constructor')
LOOPS = _node('LOOPS', 'loop', *_ENGINE)
HOOKS = _node('HOOKS', 'hook', *_ENGINE)
DATASETS = _node('DATASETS', 'dataset', 'mmseg.datasets', 'mmsemi.datasets')
DATA_SAMPLERS = _node(
    'DATA_SAMPLERS', 'data sampler', 'mmseg.datasets', 'mmsemi.datasets'
)
TRANSFORMS = _node(
    'TRANSFORMS',
    'transform',
    'mmseg.datasets.transforms',
    'mmsemi.datasets.transforms',
)
MODELS = _node('MODELS', 'model', *_MODELS)
MODEL_WRAPPERS = _node('MODEL_WRAPPERS', 'model wrapper', *_MODELS)
WEIGHT_INITIALIZERS = _node(
    'WEIGHT_INITIALIZERS', 'weight initializer', *_MODELS
)
OPTIMIZERS = _node('OPTIMIZERS', 'optimizer', *_OPTIM)
OPTIM_WRAPPERS = _node('OPTIM_WRAPPERS', 'optim wrapper', *_OPTIM)
OPTIM_WRAPPER_CONSTRUCTORS = _node(
    'OPTIM_WRAPPER_CONSTRUCTORS', 'optimizer wrapper constructor', *_OPTIM
)
PARAM_SCHEDULERS = _node(
    'PARAM_SCHEDULERS', 'parameter scheduler', 'mmseg.engine.schedulers'
)
METRICS = _node('METRICS', 'metric', 'mmseg.evaluation', 'mmsemi.evaluation')
EVALUATOR = _node('EVALUATOR', 'evaluator', 'mmseg.evaluation')
TASK_UTILS = _node('TASK_UTILS', 'task util', *_MODELS)
VISUALIZERS = _node(
    'VISUALIZERS', 'visualizer', 'mmseg.visualization', 'mmsemi.engine'
)
VISBACKENDS = _node(
    'VISBACKENDS', 'vis_backend', 'mmseg.visualization', 'mmsemi.engine'
)
LOG_PROCESSORS = _node(
    'LOG_PROCESSORS', 'log processor', 'mmseg.visualization'
)
INFERENCERS = _node('INFERENCERS', 'inferencer', 'mmseg.apis')


def class_of(kind: str | type | None, registry: Registry) -> type | None:
    """Class that a ``type`` of a config means, None if nobody knows it.

    Args:
        kind: registered name, with or without a scope, import path, or the
            class itself, as mmengine's new-style configs have it.
        registry: where it would be built.
    """
    if not isinstance(kind, str):
        return kind
    try:
        return registry.get(kind)
    except (ImportError, AttributeError):
        return None


def bare_name(kind: str | type | None) -> str:
    """Name of the class that a ``type`` of a config means.

    Args:
        kind: see :func:`class_of`.
    """
    return getattr(kind, '__name__', str(kind)).rsplit('.', 1)[-1]


def is_type(config: dict | None, registry: Registry, *names: str) -> bool:
    """Whether a config builds one of some registered classes, or a subclass.

    Args:
        config: with ``type``; anything else builds nothing.
        registry: where it would be built, and the names are registered.
        names: registered names.
    """
    kind = config.get('type') if isinstance(config, dict) else None
    if kind is None:
        return False
    if bare_name(kind) in names:
        return True
    found = class_of(kind, registry)
    wanted = tuple(
        name
        for name in (registry.get(name) for name in names)
        if isinstance(name, type)
    )
    return isinstance(found, type) and issubclass(found, wanted)
