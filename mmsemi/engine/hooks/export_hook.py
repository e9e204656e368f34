"""Leave a checkpoint that mmseg runs without mmsemi."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from torch import nn

from mmsemi.models.export import export_segmentor
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS
from mmsemi.utils.console import announce
from mmsemi.utils.errors import WriteError

from .run_summary_hook import publish_file


@HOOKS.register_module()
class ExportHook(Hook):
    """Write the trained network as ``segmentor.pth`` and ``segmentor.py``.

    Where the best of all validations is kept (``save_best`` of the checkpoint
    hook) it is what counts, and so it is what ``segmentor.pth`` holds; the
    model of the end is ``segmentor_last.pth``. Else there is that one alone.

    See :func:`mmsemi.models.export.export_segmentor`. Where a part cannot be
    exported, the run ends well all the same, with a warning.

    Args:
        filename: checkpoint in the work dir.
    """

    priority = 'BELOW_NORMAL'

    def __init__(self, filename: str = 'segmentor.pth') -> None:
        self.filename = filename

    def after_train(self, runner) -> None:
        """Export the model as it is at the end of the run, and the best."""
        if not is_main_process():
            return
        model = unwrapped(runner.model)
        best = best_checkpoint(runner)
        if best is None:
            self._export(runner, model, 'segmentor', self.filename)
            return
        path = Path(self.filename)
        last = str(path.with_name(f'{path.stem}_last{path.suffix}'))
        done = self._export(runner, best, 'segmentor', self.filename)
        if self._export(runner, model, 'segmentor_last', last) and done:
            announce(
                runner.logger,
                f'{self.filename} is the best model of all validations '
                f'({best.name}), {last} the one of the end.',
            )

    def _export(
        self, runner, source: nn.Module | Path, name: str, filename: str
    ) -> bool:
        """Write one model and name it in the summary, if that can be done."""
        test_cfg = runner.cfg.model.get('semi_test_cfg') or {}
        try:
            exported = export_segmentor(
                runner.cfg,
                source,
                Path(runner.work_dir) / filename,
                predict_on=test_cfg.get('predict_on', 'student'),
                overwrite=True,
            )
        except WriteError:
            raise
        except Exception as error:
            runner.logger.warning(
                f'the segmentor could not be exported to {filename} '
                f'({type(error).__name__}: {error}). '
                'tools/model_converters/export_segmentor.py can be run on '
                'the last checkpoint'
            )
            return False
        for note in exported.notes:
            runner.logger.info(f'{filename}: {note}')
        publish_file(runner, name, filename)
        return True


def best_checkpoint(runner) -> Path | None:
    """The best checkpoint of a run; that of the first metric of several."""
    for key, value in runner.message_hub.runtime_info.items():
        if key.startswith('best_ckpt') and value is not None:
            path = Path(str(value))
            return path if path.is_file() else None
    return None
