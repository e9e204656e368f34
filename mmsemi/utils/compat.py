"""Parts of other packages that are private there.

No other module may touch one, so that a new release can break this file
alone, and its tests say where.
"""

import atexit
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def format_equal_configs_once() -> None:
    """Let ``Config.pretty_text`` lay an equal text out once.

    A runner asks for it four times before the first iteration, and again
    with each checkpoint; a second each time.
    """
    from yapf.yapflib import yapf_api

    layout = yapf_api.FormatCode
    if getattr(layout, 'remembers', False):
        return
    known: dict[tuple[str, str], tuple[str, bool]] = {}

    @functools.wraps(layout)
    def layout_once(text: str, **options) -> tuple[str, bool]:
        key = text, repr(sorted(options.items()))
        if key not in known:
            known.clear()  # the text of a run changes rarely, and is long
            known[key] = layout(text, **options)
        return known[key]

    layout_once.remembers = True  # type: ignore[attr-defined]
    yapf_api.FormatCode = layout_once


def silence_debug_prints() -> None:
    """Let ``print_log`` without a logger print no message for debugging.

    mmseg says at each import that a data set of its makers cannot be read.
    """
    import logging

    import mmengine.logging as target

    print_log = target.print_log
    if getattr(print_log, 'leaves_out_debug', False):
        return

    @functools.wraps(print_log)
    def print_wanted(msg, logger=None, level=logging.INFO) -> None:
        if logger is not None or level >= logging.INFO:
            print_log(msg, logger, level)

    print_wanted.leaves_out_debug = True  # type: ignore[attr-defined]
    target.print_log = print_wanted


# Private parts of mmengine.
def wrap_config_reading(wrappers: dict[str, Callable]) -> None:
    """Replace steps by which ``Config`` reads files by others around them.

    Args:
        wrappers: ``step -> function that takes the present function of the
            step and returns the new one``. Steps: ``file`` (read a file,
            bases and all), ``base_path`` (where a base lies), ``one_file``
            (a file as dict, text and variables) and ``merge`` (a dict into
            that of a base).
    """
    from mmengine.config import Config

    steps = dict(
        file='fromfile',
        base_path='_get_cfg_path',
        one_file='_file2dict',
        merge='_merge_a_into_b',
    )
    for step, wrap in wrappers.items():
        present = getattr(Config, steps[step])
        new = functools.wraps(present)(wrap(present))
        setattr(Config, steps[step], staticmethod(new))


def starting_weights(runner: Any) -> str | None:
    """Checkpoint that a run starts from or goes on from, if any."""
    return runner._load_from


def goes_on(runner: Any) -> bool:
    """Whether a run is resumed."""
    return runner._resume


def batches_of_a_step(optim_wrapper: Any) -> int:
    """How many batches an optimizer accumulates for one step."""
    return getattr(optim_wrapper, '_accumulative_counts', 1)


def trains(runner: Any) -> bool:
    """Whether the loop of a training is built, as before a training only."""
    from mmengine.runner import BaseLoop

    return isinstance(runner._train_loop, BaseLoop)


def before_peaks_are_forgotten(processor: Any, note: Callable) -> None:
    """Call ``note`` before a log processor resets the peak of GPU memory.

    It does so with each line of the log, of validations as well.
    """
    forget = type(processor)._get_max_memory

    def note_and_forget(runner: Any) -> int:
        note()
        return forget(processor, runner)

    processor._get_max_memory = note_and_forget


def ranks_draw_differently(runner: Any) -> bool:
    """Whether every process has a random seed of its own."""
    return runner._randomness_cfg.get('diff_rank_seed', False)


def swaps_channels(preprocessor: Any) -> bool:
    """Whether a data preprocessor turns BGR into RGB or back."""
    names = '_channel_conversion', 'channel_conversion'  # of mmseg 1.4, 1.2
    return any(getattr(preprocessor, name, False) for name in names)


def normalizes(preprocessor: Any) -> bool:
    """Whether a data preprocessor was given a mean to subtract."""
    return getattr(preprocessor, '_enable_normalize', False)


def picture_backends(visualizer: Any) -> list[Any]:
    """What a visualizer writes to, such as TensorBoard."""
    return list(visualizer._vis_backends.values())


# Parts of mmseg.
def log_accuracy_by(accuracy: Callable) -> None:
    """Let mmseg's heads log what another function of this name gives."""
    from mmseg.models.decode_heads import decode_head, point_head

    for module in (decode_head, point_head):
        module.accuracy = accuracy


def keep_equal_sizes() -> None:
    """Let mmseg's heads leave logits alone that have the labels' size.

    Those of a U-Net, for one. On a CPU the copy and its gradient take as
    long as the loss.
    """
    from mmseg.models.decode_heads import decode_head

    resize = decode_head.resize
    if getattr(resize, 'keeps_equal_sizes', False):
        return

    @functools.wraps(resize)
    def resize_others(input: 'Tensor', size: Any = None, **options):
        if size is not None and tuple(input.shape[2:]) == tuple(size):
            return input
        return resize(input, size, **options)

    resize_others.keeps_equal_sizes = True  # type: ignore[attr-defined]
    decode_head.resize = resize_others


# Private parts of PyTorch: one kernel for many tensors.
def copy_tensors(into: Sequence['Tensor'], source: Sequence['Tensor']) -> None:
    """``into[k].copy_(source[k])`` for all k at once."""
    import torch

    groups: dict = {}  # on a GPU those of one kind are copied at once
    for mine, theirs in zip(into, source, strict=True):
        group = groups.setdefault((mine.dtype, theirs.dtype), ([], []))
        group[0].append(mine)
        group[1].append(theirs)
    for group in groups.values():
        torch._foreach_copy_(*group)


def lerp_tensors(
    into: Sequence['Tensor'], end: Sequence['Tensor'], weight: float
) -> None:
    """``into[k].lerp_(end[k], weight)`` for all k at once."""
    import torch

    torch._foreach_lerp_(list(into), list(end), weight)


# Private parts of Python.
def run_exit_functions() -> None:
    """Do what is registered for the end of the interpreter, now."""
    atexit._run_exitfuncs()


def writes_to(tensor: Any) -> int:
    """How often somebody has written to a tensor."""
    return int(tensor._version)
