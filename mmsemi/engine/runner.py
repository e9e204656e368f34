from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from mmsemi.registry import RUNNERS
from mmsemi.utils.console import calm_console


@RUNNERS.register_module()
class CalmRunner(Runner):
    """mmengine's Runner, with the long lists of its start in the log file.

    Environment, config, order of hooks and settings of single parameters
    are hundreds of lines, which would hide what a person looks for.
    """

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger before anything is said."""
        logger = super().build_logger(*args, **kwargs)
        calm_console(logger)
        return logger


def build_runner(cfg: Config) -> Runner:
    """The runner a config names, else a :class:`CalmRunner`."""
    if 'runner_type' in cfg:
        return RUNNERS.build(cfg)
    return CalmRunner.from_cfg(cfg)
