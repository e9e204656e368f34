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

    def wrong(what: str) -> UsageError:
        return UsageError(
            f'cannot resume from {filename}: {what}. Take an earlier '
            'checkpoint of the same run (name it in last_checkpoint), or '
            'start anew with --overwrite and load_from'
        )

    needed = (*STATE, 'param_schedulers') if schedules else STATE
    absent = [name for name in needed if name not in checkpoint]
    if absent:
        raise wrong(f'it holds no {" and no ".join(absent)}')
    meta = checkpoint['meta']
    iteration = whole(meta.get('iter')) if isinstance(meta, dict) else None
    if type(iteration) is not int or iteration < 0:
        raise wrong(f'its iteration is {iteration!r}')
    meta['iter'] = iteration
    if max_iters is not None and iteration > max_iters:
        raise wrong(
            f'it is of iteration {iteration}, and the run has {max_iters}'
        )
    while is_model_wrapper(model):
        model = model.module
    state = checkpoint.get('state_dict') or {}
    missing = [key for key in model.state_dict() if key not in state]
    if state and missing:
        raise wrong(f'it lacks the weights {some(missing)}')
