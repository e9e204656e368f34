from mmengine import hooks

from mmsemi.registry import HOOKS

# Where the count travels in checkpoints.
STATE = 'mmsemi/early_stopping'


@HOOKS.register_module()
class EarlyStoppingHook(hooks.EarlyStoppingHook):
    """mmengine's hook of this name, for runs that are resumed.

    mmengine's forgets its best score and how long it has waited, so that a
    resumed run trains on where one that was not stopped would have ended. In
    the scope of mmsemi the name means this class.
    """

    # Before the checkpoint hook, which saves the count.
    priority = 'LOW'

    def before_train(self, runner) -> None:
        """Go on where a resumed run stood."""
        state = runner.message_hub.get_info(STATE, None)
        if state is not None:
            self.best_score = state['best_score']
            self.wait_count = state['wait_count']
            runner.train_loop.stop_training = state['stopped']

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Decide, and keep what the next decision depends on."""
        if isinstance(runner.train_loop, dict):  # validation alone
            return
        super().after_val_epoch(runner, metrics or {})
        runner.message_hub.update_info(
            STATE,
            dict(
                best_score=float(self.best_score),
                wait_count=self.wait_count,
                stopped=runner.train_loop.stop_training,
            ),
        )
