"""What is wrong with data, weights or settings, found before a run starts.

A command asks once, before it writes anything; the checks look only.
"""

from mmengine.config import Config

from mmsemi.utils.errors import UsageError

from .data import check_data
from .methods import check_methods
from .numbers import check_parts
from .optimization import check_optimization
from .settings import check_settings
from .weights import check_checkpoint, check_weights


def check_training(cfg: Config, threads: int = 8) -> list[str]:
    """Check all a training reads.

    Args:
        cfg: config of the run, with its work dir.
        threads: how many files are read at once.

    Returns:
        Lines for the log, see :func:`.optimization.check_optimization`,
        :func:`.methods.check_methods` and :func:`.data.check_data`.

    Raises:
        UsageError: naming what is wrong, where, and what to do.
    """
    check_parts(cfg)
    check_settings(cfg)
    notes = check_optimization(cfg) + check_methods(cfg)
    check_weights(cfg)
    return notes + check_data(cfg, cfg.get('work_dir'), threads)


def check_test(cfg: Config, threads: int = 8) -> list[str]:
    """Check all a test reads; see :func:`check_training`.

    Weights a training would start from are not read by a test.
    """
    if not cfg.get('test_dataloader'):
        raise UsageError(
            'the config has no test_dataloader, so there is nothing to test '
            'on. Add one, or segment images with tools/infer.py'
        )
    check_settings(cfg)
    check_checkpoint(cfg.load_from)
    return check_data(cfg, cfg.get('work_dir'), threads, roles=('test',))


__all__ = ['check_test', 'check_training']
