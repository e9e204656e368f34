from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import Hook

from mmsemi.doctor.data import check_data
from mmsemi.registry import HOOKS
from mmsemi.utils.errors import UsageError


@HOOKS.register_module()
class DataCheckHook(Hook):
    """Check all lists and masks of the run before it trains.

    See :func:`mmsemi.doctor.data.check_data`. One process reads, all
    stop on an error. Count and hash of every list go to the log.

    Args:
        threads: how many masks are read at once.
    """

    # Before hooks that read masks themselves.
    priority = 'VERY_HIGH'

    def __init__(self, threads: int = 8) -> None:
        self.threads = threads

    def before_train(self, runner) -> None:
        """Check; raises ``UsageError`` on every rank."""
        result = [None, None]
        if is_main_process():
            try:
                result[0] = check_data(
                    runner.cfg, runner.work_dir, self.threads
                )
            except UsageError as error:
                result[1] = str(error)
        broadcast_object_list(result)
        messages, problem = result
        if problem is not None:
            raise UsageError(problem)
        for message in messages:
            runner.logger.info(message)
