import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process, master_only
from mmengine.hooks import CheckpointHook
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import CheckpointLoader, Runner
from mmengine.visualization import Visualizer
from torch import nn
from torch.utils.data import DataLoader

from mmsemi.engine.hooks.label_share_hook import LabelShareHook
from mmsemi.engine.hooks.training_progress_hook import TrainingProgressHook
from mmsemi.io.files import write_text
from mmsemi.models.weights import load_weights
from mmsemi.registry import HOOKS, RUNNERS, class_of
from mmsemi.utils.compat import format_equal_configs_once
from mmsemi.utils.console import calm_console
from mmsemi.utils.dist import lost_another
from mmsemi.utils.errors import UsageError

from .accumulation import step_in_parts
from .build import resolve
from .checkpoints import newest_whole
from .fused import guard, with_fused
from .interruption import Interrupted, Interruption, keep_loading
from .memory import StepTooLarge, is_out_of_memory, remedy
from .optimizers import idle_keys
from .resumable import check_resumable

# Hooks that mmengine registers unless they are None.
USUAL_HOOKS = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)


@RUNNERS.register_module()
class CalmRunner(Runner):
    """mmengine's Runner, for runs that may be stopped at any instant.

    The long lists of its start go to the log file: environment, config, order
    of hooks and settings of single parameters are hundreds of lines, which
    would hide what a person looks for.

    It resumes from the latest whole checkpoint of its own work dir. SIGTERM
    and Ctrl-C save the state and raise :class:`Interrupted`.
    """

    interruption: Interruption | None = None
    _experiment_name: str
    trains = False
    resuming = False

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger before anything is said.

        Loggers and visualizers of a process are kept by name, with the
        files they write to; a second run has names of its own.
        """
        name, number = self._experiment_name, 1
        while MMLogger.check_instance_created(self._experiment_name):
            number += 1
            self._experiment_name = f'{name}_{number}'
        logger = super().build_logger(*args, **kwargs)
        calm_console(logger)
        return logger

    def build_visualizer(
        self, visualizer: Visualizer | dict | None = None
    ) -> Visualizer:
        """Build a visualizer of this run alone, see ``build_logger``."""
        if isinstance(visualizer, dict):
            visualizer = dict(visualizer, name=self._experiment_name)
        return super().build_visualizer(visualizer)

    def register_hooks(self, default_hooks=None, custom_hooks=None) -> None:
        """Register those of the config, and two that every run has.

        None leaves a hook out, not only those that mmengine has itself.
        """
        if default_hooks:
            default_hooks = {
                name: hook
                for name, hook in default_hooks.items()
                if hook is not None or name in USUAL_HOOKS
            }
        super().register_hooks(default_hooks, custom_hooks)
        self.register_hook(TrainingProgressHook())
        self.register_hook(LabelShareHook())

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, *args, **kwargs
    ) -> DataLoader:
        """Build a loader whose processes outlast a signal, see `train`."""
        loader = Runner.build_dataloader(dataloader, *args, **kwargs)
        if loader.num_workers:
            init = loader.worker_init_fn
            loader.worker_init_fn = partial(keep_loading, init)
        return loader

    def build_optim_wrapper(
        self, optim_wrapper: OptimWrapper | dict
    ) -> OptimWrapper | OptimWrapperDict:
        """Build the optimizer, fused where it can be; see :mod:`.fused`."""
        if isinstance(optim_wrapper, dict):
            for sentence in idle_keys(optim_wrapper, self.model):
                self.logger.warning(sentence)
            optim_wrapper = with_fused(optim_wrapper, self.model)
        wrapper = super().build_optim_wrapper(optim_wrapper)
        guard(wrapper)
        return wrapper

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
        if self.resuming:
            length = self.cfg.train_cfg.get('max_iters')
            check_resumable(
                checkpoint,
                filename,
                self.model,
                length,
                schedules=self.param_schedulers is not None,
            )
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
        self.logger.info(f'loaded {os.path.normpath(filename)}')
        return checkpoint

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Go on from a state; see mmengine's ``Runner.resume``.

        Raises:
            UsageError: if the file holds a part of it only.
        """
        self.resuming = True
        try:
            super().resume(filename, *args, **kwargs)
        finally:
            self.resuming = False

    @master_only
    def dump_config(self) -> None:
        """Write the settings of the run to its work dir, whole or not."""
        name = Path(self.cfg.filename or f'{self.timestamp}.py').name
        write_text(self.work_dir, name, self.cfg.dump())

    def load_or_resume(self) -> None:
        """Load weights or state; see :func:`.checkpoints.newest_whole`."""
        if self._resume and self._load_from is None and not self._has_loaded:
            path = newest_whole(self.work_dir, self.logger.warning)
            if path is not None:
                self.resume(str(path))
            self._has_loaded = True
            return
        super().load_or_resume()

    def train(self) -> nn.Module:
        """Train; see mmengine's ``Runner.train``.

        Raises:
            Interrupted: after SIGTERM or Ctrl-C, when the state is saved.
            StepTooLarge: if the memory of the GPU does not hold a step.
        """
        self.trains = True
        parts = (self.cfg.get('machine') or {}).get('accumulate', 1)
        if parts > 1:
            step_in_parts(self.model, parts)
        first = is_main_process()
        wish = Interruption(first, alone=get_world_size() == 1)
        self.interruption = wish
        with wish.armed():
            try:
                return super().train()
            except BaseException as error:
                # Elsewhere it is a validation, or labels.
                if is_out_of_memory(error) and wish.busy():
                    raise StepTooLarge(remedy(self.cfg)) from error
                if wish.number is None and lost_another(error):
                    raise UsageError(
                        'another process of the run has ended, and its '
                        'message says why; this one ends, too'
                    ) from error
                if wish.number is None:
                    raise
                # The others fail when the first process leaves them.
                if first:
                    self.call_hook('on_interruption')
                raise Interrupted(wish.number, self._advice()) from error
            finally:
                self.interruption = None

    def _advice(self) -> str:
        """What ``--resume`` will do about a run that was stopped."""
        saved = [hook.saved for hook in self.hooks if hasattr(hook, 'saved')]
        if saved and saved[0] < self.iter:
            return (
                f'--resume goes on from iteration {saved[0]}, the last that '
                'was saved'
                if saved[0]
                else '--resume starts anew: nothing was saved yet'
            )
        return '--resume goes on from here'


def build_runner(cfg: Config) -> Runner:
    """The runner a config names, else a :class:`CalmRunner`.

    Its facts are resolved first, see :func:`.build.resolve`. mmengine's
    ``CheckpointHook`` removes a checkpoint before the next is whole; configs
    that name it get ours.
    """
    format_equal_configs_once()
    resolve(cfg)
    saving = (cfg.get('default_hooks') or {}).get('checkpoint')
    if saving and class_of(saving.get('type'), HOOKS) is CheckpointHook:
        saving.setdefault('by_epoch', True)
        saving.setdefault('max_keep_ckpts', -1)
        saving.type = 'SafeCheckpointHook'
    if 'runner_type' in cfg:
        return RUNNERS.build(cfg)
    return CalmRunner.from_cfg(cfg)
