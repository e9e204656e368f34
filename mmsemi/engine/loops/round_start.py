"""Weights, learning rate and schedules as a round begins with them."""

import copy

import torch
from mmengine.dist import barrier
from mmengine.runner import CheckpointLoader, load_checkpoint
from torch import nn

from mmsemi.io.checkpoints import weights_in
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import MODELS

from ..optimizers import groups_of


def check_baseline(model: nn.Module, path: str) -> None:
    """Refuse a baseline that leaves a part of the model untrained.

    ``load_from`` passes over what does not fit, and an untrained head would
    then label the images.

    Raises:
        ValueError: naming parameters that are missing or of another shape.
    """
    model = unwrapped(model)
    loaded = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    loaded = {
        key.removeprefix('student.'): value
        for key, value in weights_in(loaded).items()
    }
    wrong = [
        key
        for key, value in getattr(model, 'student', model).state_dict().items()
        if not key.endswith('num_batches_tracked')
        and (key not in loaded or loaded[key].shape != value.shape)
    ]
    if wrong:
        raise ValueError(
            f'{path} is no baseline of this model: {len(wrong)} of its '
            f'tensors are missing or have another shape, such as {wrong[:3]}. '
            'Take a checkpoint of the same network and classes'
        )


def load_best(runner, round_index: int) -> None:
    """Load the best checkpoint so far into the model.

    Raises:
        ValueError: if none is kept.
    """
    path = runner.message_hub.get_info('best_ckpt')
    if path is None:
        raise ValueError(
            "start_from='best' needs a best checkpoint: set save_best of "
            "the checkpoint hook, or use start_from='last'"
        )
    barrier()  # rank 0 may still be writing it
    runner.logger.info(f'round {round_index} starts from {path}')
    model = unwrapped(runner.model)
    load_checkpoint(model, path, map_location='cpu', strict=True)


def start_afresh(runner, round_index: int) -> None:
    """Give the model the weights of a new one, other ones in every round.

    What the model learned lives on in its labels alone. The draw depends on
    the seed of the run and the round, so a run that is resumed here starts
    its round alike, and so do all processes.
    """
    model = unwrapped(runner.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(runner.seed + round_index)
        new = MODELS.build(copy.deepcopy(runner.cfg.model))
        new.init_weights()
    model.load_state_dict(new.state_dict())


def scale_learning_rate(runner, factor: float) -> None:
    """Put learning rates back to where they began, times a factor."""
    for group in groups_of(runner.optim_wrapper):
        group['initial_lr'] = group.get('initial_lr', group['lr']) * factor
        group['lr'] = group['initial_lr']


def restart_schedules(runner, length: int) -> None:
    """Build ``param_scheduler`` anew, for a round of so many iterations."""
    schedulers = runner.cfg.get('param_scheduler')
    if not schedulers:
        return
    schedulers = copy.deepcopy(schedulers)
    for scheduler in (
        schedulers if isinstance(schedulers, list) else [schedulers]
    ):
        # mmengine reaches the final value one step before `end`; the
        # published schedules reach it at the end.
        scheduler.setdefault('end', length + 1)
    runner.param_schedulers = runner.build_param_scheduler(schedulers)
