"""Two models that label for each other, phase by phase (DMT)."""

import copy
import gc
import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import barrier

from mmsemi.engine.checkpoints import newest_whole
from mmsemi.engine.runner import build_runner
from mmsemi.io.files import no_file, write_json
from mmsemi.io.json_data import load_json
from mmsemi.io.lock import FolderLock
from mmsemi.registry import HOOKS, LOOPS, is_type
from mmsemi.report.phases import phase_table
from mmsemi.utils.errors import UsageError

from .launcher import is_first_process, setup_launcher
from .mutual_folder import prepare_folder

NAMES = ('a', 'b')
RESULT = 'result.json'


class MutualTraining:
    """Dynamic mutual training (arXiv 2004.08514, version 2 and later).

        A_0, B_0 = supervised baselines
        for phase p = 1, 2, ...:
            labels from B_{p-1};  A_p = train(A_{p-1}) with them
            labels from A_{p-1};  B_p = train(B_{p-1}) with them

    Each phase of each model is a run of its own, with the labels of the
    other model, in ``<work dir>/<a or b>/phase_<p>``. It ends with
    ``result.json`` there; a phase that has one is not run again, one that
    was interrupted goes on where it stopped.

    Both configs use a ``SelfTrainingLoop``: its ``supervised_iters`` are
    those of the baseline, its rounds are the phases. ``baseline_cfg`` of a
    config holds settings for the baseline alone. What a phase passes on is
    its best checkpoint where the checkpoint hook has ``save_best``, else the
    last; as in the published code the model a phase begins with is no
    candidate, so a phase may end below it.

    Args:
        configs: configs of models A and B.
        work_dir: folder of the whole training.
        baselines: checkpoints to use as A_0 and B_0 instead of training
            them; None for either trains it.
        resume: go on with the training ``work_dir`` holds.
        overwrite: move the training ``work_dir`` holds aside.
        launcher: how several processes were started.
    """

    def __init__(
        self,
        configs: Sequence[Config],
        work_dir: str,
        baselines: Sequence[str | None] = (None, None),
        resume: bool = False,
        overwrite: bool = False,
        launcher: str = 'none',
    ) -> None:
        self.configs = dict(zip(NAMES, configs))
        self.work_dir = Path(work_dir)
        self.baselines = dict(zip(NAMES, baselines))
        self.launcher = launcher
        self.results: dict[tuple, dict] = {}
        self._check()
        if is_first_process():
            prepare_folder(self.work_dir, self.configs, resume, overwrite)

    @property
    def num_phases(self) -> int:
        """Phases after the baselines."""
        return len(self.configs['a'].train_cfg.portions)

    def run(self) -> list[dict]:
        """Train all phases that are not finished yet.

        Returns:
            One result for each model and phase, those of a phase together.
        """
        with (
            FolderLock(self.work_dir) if is_first_process() else nullcontext()
        ):
            for phase in range(self.num_phases + 1):
                for name in NAMES:
                    self.results[phase, name] = self._phase(phase, name)
                    self._write_summary()
        return list(self.results.values())

    # One phase of one model.
    def folder(self, phase: int, name: str) -> Path:
        """Work dir of a phase of a model."""
        return self.work_dir / name / f'phase_{phase}'

    def checkpoint(self, phase: int, name: str) -> str:
        """Checkpoint a finished phase passes on."""
        given = self.results[phase, name]['checkpoint']
        return str(self.folder(phase, name) / given)

    def phase_config(self, phase: int, name: str) -> Config:
        """Config of the run that is this phase; 0 is the baseline."""
        cfg = copy.deepcopy(self.configs[name])
        cfg.work_dir = str(self.folder(phase, name))
        cfg.experiment_name = f'{name}_phase_{phase}'
        baseline_cfg = cfg.pop('baseline_cfg', {})
        loop = cfg.train_cfg
        if phase == 0:
            loop.update(
                portions=(),
                iters_per_round=1,
                epochs_per_round=None,
                lr_scale=1.0,
            )
            cfg.merge_from_dict(baseline_cfg)
        else:
            for key in ('iters_per_round', 'epochs_per_round', 'lr_scale'):
                if isinstance(loop.get(key), (list, tuple)):
                    loop[key] = loop[key][phase - 1]
            loop.update(
                supervised_iters=0,
                portions=(loop.portions[phase - 1],),
                start_from='last',
            )
            cfg.load_from = self.checkpoint(phase - 1, name)
            other = NAMES[1 - NAMES.index(name)]
            labeling_hook(cfg)['labeling_model'] = dict(
                dumped_config=str(self.work_dir / f'{other}.py'),
                checkpoint=self.checkpoint(phase - 1, other),
            )
        # Pictures would show this model as the one that labels. The plain
        # mmseg checkpoint is wanted of the final models.
        cfg.default_hooks.pop('pictures', None)
        # A phase is a run of its own, whose checkpoint stays.
        cfg.default_hooks.pop('weights', None)
        if phase < self.num_phases:
            cfg.default_hooks.pop('export', None)
        latest = newest_whole(cfg.work_dir)
        cfg.resume = latest is not None
        if cfg.resume:
            # With both, mmengine would resume from load_from.
            cfg.load_from = None
        return cfg

    def _phase(self, phase: int, name: str) -> dict:
        path = self.folder(phase, name) / RESULT
        if path.is_file():
            result = load_json(path)
            named = isinstance(result, dict) and result.get('checkpoint')
            if isinstance(named, str):
                return result
            raise UsageError(
                f'{path} is damaged (it names no checkpoint). Remove it, and '
                'this training is run again'
            )
        result = dict(model=name, phase=phase)
        given = self.baselines[name] if phase == 0 else None
        if given:
            result.update(checkpoint=os.path.abspath(given))
        else:
            start = time.perf_counter()
            result.update(self._train(phase, name))
            result['seconds'] = time.perf_counter() - start
        if is_first_process():
            write_json(path.parent, path.name, result)
        if not given:  # or one that finds the file already would not come
            barrier()
        return result

    def _train(self, phase: int, name: str) -> dict:
        cfg = self.phase_config(phase, name)
        setup_launcher(cfg, self.launcher)
        runner = build_runner(cfg)
        runner.logger.info(f'model {name}, phase {phase} of {self.num_phases}')
        hub = runner.message_hub
        if phase:
            # What it starts from was measured when it was made.
            hub.update_info('mmsemi/finished_round', 0)
        runner.train()
        best = hub.get_info('best_ckpt')
        last_file = Path(best or hub.get_info('last_ckpt'))
        result: dict[str, Any] = dict(checkpoint=last_file.name)
        if runner.val_loop is not None:
            last = round(float(hub.get_scalar('val/mIoU').current()), 2)
            result['last_mIoU'] = last
            result['mIoU'] = round(float(hub.get_info('best_score', last)), 2)
        labels = hub.get_info('mmsemi/pseudo_labels', {}) if phase else {}
        for key in ('portion', 'kept', 'accuracy'):
            if labels.get(key) is not None:
                result[key] = labels[key]
        del runner
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return result

    # The training as a whole.
    def _check(self) -> None:
        a, b = (self.configs[name] for name in NAMES)
        for name, cfg in self.configs.items():
            loop = cfg.train_cfg
            if not is_type(loop, LOOPS, 'SelfTrainingLoop'):
                raise UsageError(
                    f'model {name}: mutual training needs '
                    f'SelfTrainingLoop, not {loop.get("type")}'
                )
            labeling_hook(cfg)
            given = self.baselines[name]
            if given and not Path(given).is_file():
                raise UsageError(
                    f'baseline {given} of model {name} {no_file(given)}'
                )
            if not given and not loop.supervised_iters:
                raise UsageError(
                    f'model {name}: train_cfg.supervised_iters is 0, so it '
                    'has no baseline. Give both with --baselines'
                )
        if list(a.train_cfg.portions) != list(b.train_cfg.portions):
            raise UsageError(
                'both configs must have the same portions, got '
                f'{a.train_cfg.portions} and '
                f'{b.train_cfg.portions}'
            )

    def _write_summary(self) -> None:
        if is_first_process():
            write_json(
                self.work_dir,
                'summary.json',
                dict(
                    configs={
                        name: cfg.filename
                        for name, cfg in self.configs.items()
                    },
                    phases=list(self.results.values()),
                ),
            )

    def table(self) -> str:
        """Results as a Markdown table, a row for each phase."""
        return phase_table(list(self.results.values()), NAMES)


def labeling_hook(cfg: Config) -> dict:
    """Config of the hook that labels, to be changed in place.

    Raises:
        UsageError: if there is none.
    """
    for hook in cfg.get('custom_hooks') or []:
        if is_type(hook, HOOKS, 'PseudoLabelHook'):
            return hook
    raise UsageError(f'{cfg.filename}: custom_hooks lacks a PseudoLabelHook')
