from mmengine.hooks import Hook
from mmengine.logging import print_log

from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS
from mmsemi.utils.compat import starting_weights


@HOOKS.register_module()
class GeneratorRefreshHook(Hook):
    """Renew the generator of a :class:`ZeroLabelSegmentor`.

    With :class:`SelfTrainingLoop` round 0 trains on annotated pixels alone;
    every later round begins with a generator equal to the student, which
    then stays as it is (STRICT, one launch of the published code). With
    another loop the whole run is one such round, and the student starts from
    ``load_from``. A resumed run takes the generator of its checkpoint.

    Args:
        interval: also renew it every so many iterations of a round, -1 for
            never.
    """

    def __init__(self, interval: int = -1) -> None:
        self.interval = interval

    def before_train(self, runner) -> None:
        """Begin the only round of a loop without rounds."""
        if not hasattr(runner.train_loop, 'round_begin'):
            if runner.iter == 0 and not starting_weights(runner):
                raise ValueError(
                    'an untrained network would label the unseen classes: '
                    'set load_from to a checkpoint of SPNet, or train in '
                    'rounds with SelfTrainingLoop'
                )
            self._begin(runner, fresh=runner.iter == 0)

    def before_round(self, runner) -> None:
        """Begin a round, or go on with one."""
        self._begin(runner, fresh=runner.iter == runner.train_loop.round_begin)

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Renew the generator inside a round, if asked for."""
        if self.interval <= 0:
            return
        model = segmentor_of(runner)
        done = runner.iter + 1 - getattr(runner.train_loop, 'round_begin', 0)
        if model.self_training and done % self.interval == 0:
            model.refresh_generator()

    def _begin(self, runner, fresh: bool) -> None:
        model = segmentor_of(runner)
        if fresh:
            print_log(
                'the student as it is now labels unseen classes', 'current'
            )
            model.refresh_generator()
        model.self_training = True


def segmentor_of(runner):
    """The segmentor of a runner without any wrapper.

    Raises:
        TypeError: when it has no generator.
    """
    model = unwrapped(runner.model)
    if not hasattr(model, 'refresh_generator'):
        raise TypeError(
            'GeneratorRefreshHook needs a ZeroLabelSegmentor, '
            f'got {type(model).__name__}'
        )
    return model
