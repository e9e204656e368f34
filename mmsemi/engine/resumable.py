"""Whether a checkpoint holds all that a run goes on with."""

from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn

from mmsemi.models.weights import some
from mmsemi.utils.errors import UsageError

from .whole_numbers import whole

# What a run saves beside weights. Without one of these, training would go on
# with another rate, other momenta or other figures, and say nothing.
STATE = ('meta', 'message_hub', 'optimizer')
# Settings of `default_hooks.checkpoint` that leave them out.
_UNSAVED = dict(
    optimizer='save_optimizer=False',
    param_schedulers='save_param_scheduler=False',
)


def check_resumable(
    checkpoint: dict[str, Any],
    filename: str,
    model: nn.Module,
    max_iters: int | None,
    schedules: bool = True,
) -> None:
    """Stop before a run goes on with a part of its state.

    Args:
        checkpoint: as read from the file.
        filename: for messages.
        model: of the run.
        max_iters: length of the run, None where it is not known.
        schedules: whether the run has any, of learning rates and such.

    Raises:
        UsageError: naming the file and what it lacks.
    """
    check_state(checkpoint, filename, max_iters, schedules)
    while is_model_wrapper(model):
        model = model.module
    state = checkpoint.get('state_dict') or {}
    missing = [key for key in model.state_dict() if key not in state]
    if state and missing:
        raise _wrong(filename, f'it lacks the weights {some(missing)}')


def check_state(
    checkpoint: dict[str, Any],
    filename: str,
    max_iters: int | None,
    schedules: bool = True,
) -> None:
    """Look at all but the weights; see :func:`check_resumable`."""
    needed = (*STATE, 'param_schedulers') if schedules else STATE
    absent = [name for name in needed if name not in checkpoint]
    if absent:
        unsaved = [_UNSAVED[name] for name in absent if name in _UNSAVED]
        raise _wrong(
            filename,
            f'it holds no {" and no ".join(absent)}'
            + f', as with {" and ".join(unsaved)}' * bool(unsaved),
        )
    meta = checkpoint['meta']
    iteration = whole(meta.get('iter')) if isinstance(meta, dict) else None
    if type(iteration) is not int or iteration < 0:
        raise _wrong(filename, f'its iteration is {iteration!r}')
    meta['iter'] = iteration
    if max_iters is not None and iteration > max_iters:
        raise _wrong(
            filename,
            f'it is of iteration {iteration}, and the run has {max_iters}',
        )


def _wrong(filename: str, what: str) -> UsageError:
    return UsageError(
        f'cannot resume from {filename}: {what}. Take an earlier '
        'checkpoint of the same run (name it in last_checkpoint), or '
        'start anew with --overwrite and load_from'
    )
