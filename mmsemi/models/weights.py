"""Weights into a model: all of them, or an error that says what is missing.

mmengine loads what fits and goes on, with a line in the log at most. A head
that stays random in this way costs days, so here the fit is complete but for
parts a person names.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import Tensor, nn

from mmsemi.io.checkpoints import read_checkpoint, weights_in
from mmsemi.io.published import advice
from mmsemi.ops.spoiled import spoiled
from mmsemi.utils.errors import UsageError

from .input_bands import adapt_bands, is_for_colors
from .weight_kinds import refuse_other_kind
from .wrappers import unwrapped

# Parts that serve training only: a model that predicts can do without.
TRAINING_ONLY = ('representation_head', 'correlation')


class Fit(NamedTuple):
    """What did not fit when weights were loaded.

    Attributes:
        missing: weights of the model that the checkpoint lacks.
        unexpected: weights of the checkpoint that the model lacks.
        misshapen: shapes in checkpoint and model by the weight's name.
        adapted: weights of a first layer that were made for three colors.
    """

    missing: list[str]
    unexpected: list[str]
    misshapen: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    adapted: list[str] = []

    def names(self) -> list[str]:
        """All weights concerned."""
        return [*self.misshapen, *self.missing, *self.unexpected]


def load_weights(
    model: nn.Module,
    state: dict[str, Tensor],
    source: str,
    leave_out: str | Iterable[str] = (),
    training: bool = True,
) -> None:
    """Load all weights of a model, or raise.

    Weights of a plain segmentor fill the sub-models of a wrapper that it
    chooses, completely; what else the wrapper holds starts as it is.

    Args:
        model: any model; wrappers of several processes and of test-time
            augmentation are looked into.
        state: weights by name.
        source: where they are from, for messages.
        leave_out: parts, such as ``decode_head.conv_seg``, that keep their
            values whatever the checkpoint holds.
        training: False for a model that predicts only, which does without
            what serves training. Else a first layer for three colors may be
            adapted to other bands.

    Raises:
        UsageError: counting and naming what is missing, unexpected or of
            another shape or not finite, or if a part to leave out does not
            exist.
    """
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    if not state:
        raise UsageError(
            f'{source} holds no weights. Give the file that a training saved'
        )
    names = [leave_out] if isinstance(leave_out, str) else list(leave_out)
    known = [*state, *model.state_dict()]
    for name in names:
        if not any(is_part(name, key) for key in known):
            raise UsageError(
                f'load_except: neither the model nor {source} has a part '
                f'{name}. Parts are called as in '
                f'{", ".join(list(model.state_dict())[-2:])}'
            )
    if not training:
        names += TRAINING_ONLY
    given = state
    state = {
        key: value
        for key, value in given.items()
        if not any(is_part(name, key) for name in names)
    }
    plain = is_plain(model, state)
    foreign = advice(source.removeprefix('checkpoint '), given)
    try:
        fit = fill(model, state, source, adapt=training)
    except UsageError:
        if foreign is None:
            raise
        raise UsageError(foreign) from None
    missing = [
        key
        for key in fit.missing
        if not any(is_part(name, key) for name in names)
    ]
    if plain:
        missing = within_filled(model, missing)
    fit = fit._replace(missing=missing)
    if fit.names():
        raise UsageError(foreign or describe(fit, model, source, training))
    broken = not_finite(state)
    if broken:
        raise UsageError(
            f'{source}: {len(broken)} of {len(state)} tensors hold NaN or '
            f'infinite values, such as {broken[0]}. Training has diverged; '
            'take an earlier checkpoint'
        )


def not_finite(state: dict[str, Tensor]) -> list[str]:
    """Names of tensors with NaN or infinite values that are not meant."""
    return [key for key, value in state.items() if spoiled(key, value)]


def read_weights(
    source: str | Path | nn.Module, predict_on: str
) -> tuple[dict[str, Tensor], dict]:
    """State dict of the predicting network alone, and the meta data."""
    if isinstance(source, nn.Module):
        model = unwrapped(source)
        state, meta = model.state_dict(), {}
    else:
        checkpoint = read_checkpoint(source)
        state = weights_in(checkpoint)
        meta = checkpoint.get('meta', {})
    prefix = f'{predict_on}.'
    if any(key.startswith('student.') for key in state):
        part = {
            k[len(prefix) :]: v
            for k, v in state.items()
            if k.startswith(prefix)
        }
        if not part:
            raise UsageError(
                f'no {predict_on!r} in the checkpoint, only '
                f'{sorted({k.split(".")[0] for k in state})}'
            )
        return part, meta
    return dict(state), meta


def is_part(name: str, key: str) -> bool:
    """Whether a weight belongs to a part, wherever the part stands."""
    return f'.{name}.' in f'.{key}.'


def is_plain(model: nn.Module, state: dict[str, Tensor]) -> bool:
    """Whether weights of one network alone go into a wrapper of several."""
    prefixes = tuple(f'{name}.' for name in getattr(model, 'sub_models', ()))
    return bool(prefixes) and not any(
        key.startswith(prefixes) for key in state
    )


def fill(
    model: nn.Module,
    state: dict[str, Tensor],
    source: str,
    adapt: bool = False,
) -> Fit:
    """Load what fits, and say what does not.

    Args:
        model: to load into.
        state: weights by name.
        source: where they are from, for messages.
        adapt: turn weights for three colors into those for the bands of the
            model, see :func:`.input_bands.adapt_bands`.
    """
    misshapen, adapted = {}, []

    def compare(module, state_dict, prefix, *_) -> None:
        own = [
            *module.named_parameters(recurse=False),
            *module.named_buffers(recurse=False),
        ]
        for name, value in own:
            given = state_dict.get(prefix + name)
            if given is not None:
                refuse_other_kind(prefix + name, given, value, source)
            if adapt and given is not None:
                if is_for_colors(module, given, value):
                    given = adapt_bands(given, value.shape[1])
                    state_dict[prefix + name] = given
                    adapted.append(prefix + name)
            if given is not None and given.shape != value.shape:
                misshapen[prefix + name] = (
                    tuple(given.shape),
                    tuple(value.shape),
                )
                del state_dict[prefix + name]

    # Modules may translate names before this; so it is asked in each.
    handles = [
        module.register_load_state_dict_pre_hook(compare)
        for module in model.modules()
    ]
    try:
        result = model.load_state_dict(state, strict=False)
    except UsageError:
        raise
    except RuntimeError as error:
        raise UsageError(f'{source}: {error}') from error
    finally:
        for handle in handles:
            handle.remove()
    missing = [key for key in result.missing_keys if key not in misshapen]
    if adapted:
        print_log(
            f'{source}: {some(adapted)} for three colors became weights for '
            'the bands of the images',
            'current',
        )
    return Fit(missing, list(result.unexpected_keys), misshapen, adapted)


def within_filled(model: nn.Module, keys: Iterable[str]) -> list[str]:
    """Those weights of a wrapper that a plain checkpoint brings."""
    filled = tuple(f'{name}.' for name in model.filled_by_plain)
    return [key for key in keys if key.startswith(filled)]


def describe(fit: Fit, model: nn.Module, source: str, training: bool) -> str:
    """One message about what does not fit."""
    prefixes = [f'{name}.' for name in getattr(model, 'sub_models', ())]

    def short(key: str) -> str:
        """Name in the plain network: sub-models are alike."""
        for prefix in prefixes:
            if key.startswith(prefix):
                return key[len(prefix) :]
        return key

    misshapen = {short(key): value for key, value in fit.misshapen.items()}
    parts = [
        (
            f'{name}: {given} in the file, {wanted} in the model'
            for name, (given, wanted) in misshapen.items()
        ),
        unique(map(short, fit.missing)),
        unique(map(short, fit.unexpected)),
    ]
    labels = ('of another shape', 'missing', 'unknown to the model')
    found = [
        f'{len(names)} {label} ({some(names)})'
        for label, names in zip(labels, map(list, parts))
        if names
    ]
    out = ','.join(to_leave_out([short(key) for key in fit.names()]))
    other = (
        ', or, if these parts shall start without the file, '
        f'--cfg-options load_except="[{out}]"'
    )
    return (
        f'{source} does not fit the model; weights are {"; ".join(found)}. '
        f'Take the config saved beside the file{other if training else ""}'
    )


def unique(keys: Iterable[str]) -> list[str]:
    """The keys without repetition, in their order."""
    return list(dict.fromkeys(keys))


def some(names: list[str], count: int = 3) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - count
    return ', '.join(names[:count]) + (f' and {rest} more' if rest > 0 else '')


def to_leave_out(keys: list[str]) -> list[str]:
    """A few names of parts that hold the given weights."""
    modules = unique(key.rpartition('.')[0] or key for key in keys)
    for depth in (99, 2, 1):
        parts = unique('.'.join(name.split('.')[:depth]) for name in modules)
        if len(parts) <= 3:
            break
    return parts
