from mmengine.dist import get_world_size
from mmengine.hooks import Hook

from mmsemi.engine.fused import is_fused
from mmsemi.models.segmentors import OnlineSegmentor
from mmsemi.models.segmentors.batch import check_branches
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS


@HOOKS.register_module()
class TrainingProgressHook(Hook):
    """Tell a model how far training is, if it wants to know.

    Before every iteration it calls ``set_progress(iteration, max_iters)`` of
    the model, whose ramps and thresholds need it. Before the first it
    refuses data with views that a method does not use, or without those it
    needs, and logs how a step is shared out. :class:`CalmRunner` has this
    hook by itself.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        """Compare the branches of the data with those of the method."""
        runner.logger.info(step_in_words(runner))
        model = unwrapped(runner.model)
        branches = getattr(
            runner.train_loop.dataloader.dataset, 'branches', None
        )
        if branches and isinstance(model, OnlineSegmentor):
            check_branches(branches, model.strong_views, model.other_branches)
            # A list of labeled images alone mixes nothing.
            second = len(branches) == 1 or any(
                name.startswith('partner_') for name in branches
            )
            model.check_stream(second)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Tell the iteration."""
        model = unwrapped(runner.model)
        if hasattr(model, 'set_progress'):
            model.set_progress(runner.iter, runner.max_iters)


def step_in_words(runner) -> str:
    """How many images a step takes, who takes them, and how weights learn."""
    machine = runner.cfg.get('machine') or {}
    processes, parts = get_world_size(), machine.get('accumulate', 1)
    share = runner.train_dataloader.batch_size
    rates = sorted({rate for rate in runner.optim_wrapper.get_lr()['lr']})
    optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
    fused = optimizer is not None and is_fused(optimizer)
    shared = (
        f': {processes} process{"es" * (processes > 1)} of {share}, in '
        f'{parts} part{"s" * (parts > 1)}'
    )
    return (
        f'a step takes {share * processes} images'
        + shared * (processes * parts > 1)
        + '; the learning rate begins at '
        + ' and '.join(f'{rate:g}' for rate in rates)
        + (f'; {type(optimizer).__name__}, fused' if fused else '')
    )
