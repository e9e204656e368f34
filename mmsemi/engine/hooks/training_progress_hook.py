from mmengine.hooks import Hook

from mmsemi.registry import HOOKS

from .mean_teacher_hook import unwrapped


@HOOKS.register_module()
class TrainingProgressHook(Hook):
    """Tell a model how far training is, if it wants to know.

    Before every iteration it calls ``set_progress(iteration, max_iters)`` of
    the model, whose ramps and thresholds need it. :class:`CalmRunner` has
    this hook by itself.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Tell the iteration."""
        model = unwrapped(runner.model)
        if hasattr(model, 'set_progress'):
            model.set_progress(runner.iter, runner.max_iters)
