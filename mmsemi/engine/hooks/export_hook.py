"""Leave a checkpoint that mmseg runs without mmsemi."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from mmsemi.models.export import export_segmentor
from mmsemi.registry import HOOKS
from mmsemi.utils.errors import WriteError

from .run_summary_hook import publish_file


@HOOKS.register_module()
class ExportHook(Hook):
    """Write the trained network as ``segmentor.pth`` and ``segmentor.py``.

    See :func:`mmsemi.models.export.export_segmentor`. Where a part cannot be
    exported, the run ends well all the same, with a warning.

    Args:
        filename: checkpoint in the work dir.
    """

    priority = 'BELOW_NORMAL'

    def __init__(self, filename: str = 'segmentor.pth') -> None:
        self.filename = filename

    def after_train(self, runner) -> None:
        """Export the model as it is at the end of the run."""
        if not is_main_process():
            return
        model = (
            runner.model.module
            if is_model_wrapper(runner.model)
            else runner.model
        )
        test_cfg = getattr(model, 'semi_test_cfg', {})
        try:
            exported = export_segmentor(
                runner.cfg,
                model,
                Path(runner.work_dir) / self.filename,
                predict_on=test_cfg.get('predict_on', 'student'),
                overwrite=True,
            )
        except WriteError:
            raise
        except Exception as error:
            runner.logger.warning(
                f'the segmentor could not be exported to {self.filename} '
                f'({type(error).__name__}: {error}). '
                'tools/model_converters/export_segmentor.py can be run on '
                'the last checkpoint'
            )
            return
        for note in exported.notes:
            runner.logger.info(f'{self.filename}: {note}')
        publish_file(runner, 'segmentor', self.filename)
