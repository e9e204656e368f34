import re
from collections.abc import Callable, Sequence

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import CheckpointLoader, Runner

from mmsemi.models.weights import load_weights
from mmsemi.registry import RUNNERS
from mmsemi.utils.console import calm_console


@RUNNERS.register_module()
class CalmRunner(Runner):
    """mmengine's Runner, with the long lists of its start in the log file.

    Environment, config, order of hooks and settings of single parameters
    are hundreds of lines, which would hide what a person looks for.
    """

    trains = False

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger before anything is said."""
        logger = super().build_logger(*args, **kwargs)
        calm_console(logger)
        return logger

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool = True,
        revise_keys: Sequence[tuple[str, str]] = ((r'^module\.', ''),),
    ) -> dict:
        """Load all weights, but for the parts ``load_except`` names.

        See :func:`mmsemi.models.weights.load_weights`. A run that goes on
        needs every one of its own.

        Raises:
            UsageError: if something is missing, unexpected or of another
                shape.
        """
        checkpoint = CheckpointLoader.load_checkpoint(filename, map_location)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        state = dict(checkpoint.get('state_dict', checkpoint))
        for pattern, replacement in revise_keys:
            state = {
                re.sub(pattern, replacement, key): value
                for key, value in state.items()
            }
        except_for = () if self._resume else self.cfg.get('load_except') or ()
        load_weights(
            self.model,
            state,
            f'checkpoint {filename}',
            leave_out=except_for,
            training=self.trains,
        )
        self._has_loaded = True
        self.logger.info(f'loaded {filename}')
        return checkpoint

    def train(self):
        """Train, with everything that takes."""
        self.trains = True
        return super().train()


def build_runner(cfg: Config) -> Runner:
    """The runner a config names, else a :class:`CalmRunner`."""
    if 'runner_type' in cfg:
        return RUNNERS.build(cfg)
    return CalmRunner.from_cfg(cfg)
