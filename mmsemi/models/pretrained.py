"""Weights a part of a model starts from, and how many of them fit."""

from collections.abc import Iterable

from mmengine.logging import print_log
from mmengine.model import PretrainedInit, update_init_info
from mmengine.runner import CheckpointLoader
from torch import nn

from mmsemi.io.checkpoints import read_checkpoint, weights_in
from mmsemi.io.published import advice
from mmsemi.registry import WEIGHT_INITIALIZERS
from mmsemi.utils.errors import UsageError

from .weights import fill, is_plain, not_finite, some, within_filled


@WEIGHT_INITIALIZERS.register_module('Pretrained')
class CountedPretrainedInit(PretrainedInit):
    """mmengine's ``Pretrained``, which tells where a file does not fit.

    A file of another network, or one whose names begin otherwise, leaves a
    model as random as it was; mmengine says so in a line of the log. Here it
    is an error when less than half of the weights are found. A head for
    other classes may be missing; that is counted in the log.
    """

    def __call__(self, module: nn.Module) -> None:
        """Load what fits.

        Raises:
            UsageError: if next to nothing does.
        """
        content = CheckpointLoader.load_checkpoint(
            self.checkpoint, map_location=self.map_location or 'cpu'
        )
        state = weights_in(content)
        prefix = f'{self.prefix.rstrip(".")}.' if self.prefix else ''
        found = {
            key[len(prefix) :]: value
            for key, value in state.items()
            if key.startswith(prefix)
        }
        own = wanted(module.state_dict())
        fit = fill(module, found, f'checkpoint {self.checkpoint}', adapt=True)
        absent = wanted([*fit.misshapen, *fit.missing])
        if is_plain(module, found):
            # Frozen copies start as the student does, others by themselves.
            absent = within_filled(module, absent)
            own = within_filled(module, own)
        name, fits = type(module).__name__, len(own) - len(absent)
        counted = (
            f'{fits} of {len(own)} weights of {name} are in the checkpoint '
            f'{self.checkpoint}{f" under {prefix}" if prefix else ""}'
        )
        foreign = advice(self.checkpoint, content)
        # Most of a deep-stem ResNet fits by chance, but its stem would not.
        stem = any(key.startswith('stem.') for key in absent)
        if foreign and (stem or 2 * fits < len(own)):
            raise UsageError(f'init_cfg: {foreign}')
        if 2 * fits < len(own):
            raise UsageError(
                f'init_cfg: only {counted}. It wants {some(absent)}, the file '
                f'holds {some(list(state)) or "nothing"}. Take the weights of '
                f'this network{self._advice(own, state)}'
            )
        broken = not_finite({key: found.get(key) for key in own})
        if broken:
            raise UsageError(
                f'init_cfg: {len(broken)} of {len(own)} tensors of '
                f'{self.checkpoint} hold NaN or infinite values, such as '
                f'{broken[0]}. Take another file'
            )
        if absent:
            print_log(
                f'{counted}; {some(absent)} start as they are', 'current'
            )
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())

    def _advice(self, own: list[str], state: dict) -> str:
        """The beginning of names under which most weights would fit."""
        first = own[0]
        for key in state:
            before = key.removesuffix(first)
            if before != key and before.endswith('.'):
                if 2 * sum(before + k in state for k in own) >= len(own):
                    return f', or say prefix={before.rstrip(".")!r}'
        return ''


def backbone_prefix(path: str) -> str:
    """Beginning of the names of a backbone's weights in a checkpoint file.

    Classifiers of MMPretrain and segmentors have one, as have the models of
    trainings with several networks; it is empty where a file holds nothing
    but a backbone.

    Raises:
        UsageError: if the file is missing or cannot be read.
    """
    state = weights_in(read_checkpoint(path, map_location='meta'))
    for prefix in ('backbone', 'student.backbone'):
        if any(key.startswith(f'{prefix}.') for key in state):
            return prefix
    return ''


def wanted(keys: Iterable[str]) -> list[str]:
    """Names of weights that count."""
    return [key for key in keys if not key.endswith('num_batches_tracked')]
