"""Make a plain MMSegmentation model of a checkpoint."""

from typing import Any

from mmsemi.io.package_configs import find_config
from mmsemi.models.export import Exported, export_segmentor

from .config import load_config
from .inference import predicting_network


def export(
    config: str,
    checkpoint: str,
    out: str,
    predict_on: str | None = None,
    overwrite: bool = False,
    options: dict[str, Any] | None = None,
) -> Exported:
    """Write a checkpoint and a config that run without mmsemi.

    ``mmseg.apis.init_model`` and ``inference_model`` take both.

    Args:
        config: of the training run; file, or name of a config that mmsemi
            brings.
        checkpoint: of that run.
        out: checkpoint to write, ``*.pth``; the config is written beside it,
            with the suffix ``.py``.
        predict_on: sub-model to take; by default the one the config predicts
            with.
        overwrite: replace existing files.
        options: settings to change in the config, by their dotted keys.

    Returns:
        The files, and notes on what differs.

    Raises:
        UsageError: if something is wrong with what was given.
    """
    cfg = load_config(find_config(config), options)
    result = export_segmentor(
        cfg, checkpoint, out, predict_on or predicting_network(cfg), overwrite
    )
    for note in result.notes:
        print(f'note: {note}')
    print(f'wrote {result.checkpoint} and {result.config}')
    return result
