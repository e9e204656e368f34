"""Make a plain MMSegmentation model, or an ONNX file, of a checkpoint."""

from pathlib import Path
from typing import Any

from mmsemi.io.package_configs import find_config
from mmsemi.models.export import Exported, export_segmentor
from mmsemi.utils.errors import UsageError

from .config import load_config
from .export_onnx import OnnxFile, export_onnx
from .inference import predicting_network
from .run_folder import open_run


def export(
    run: str | Path,
    checkpoint: str | Path | None = None,
    out: str | Path | None = None,
    format: str = 'mmseg',
    predict_on: str | None = None,
    overwrite: bool = False,
    options: dict[str, Any] | None = None,
) -> Exported | OnnxFile:
    """Write a model that runs without mmsemi.

    ``mmseg``: a checkpoint and a config that ``mmseg.apis.init_model`` and
    ``inference_model`` take. ``onnx``: a file for ONNX Runtime and others,
    whose logits were compared with PyTorch's; what goes in and comes out is
    in its metadata.

    Args:
        run: folder of a run; or a config, or the name of one that mmsemi
            brings, where ``checkpoint`` is given.
        checkpoint: of that config.
        out: file to write. ``*.pth`` for mmseg, the config being written
            beside it with the suffix ``.py``; ``*.onnx`` for ONNX, by default
            beside the checkpoint.
        format: ``mmseg`` or ``onnx``.
        predict_on: sub-model to take; by default the one the config predicts
            with.
        overwrite: replace existing files.
        options: settings to change in the config, by their dotted keys.

    Returns:
        The files, and notes on what differs.

    Raises:
        UsageError: if something is wrong with what was given.
    """
    if checkpoint is None:
        found = open_run(run)
        config, checkpoint = str(found.config), found.checkpoint
    else:
        config = find_config(str(run))
    if out is None:
        if format != 'onnx':
            raise UsageError('--out is missing: name the checkpoint to write')
        out = Path(checkpoint).with_suffix('.onnx')
    if format == 'onnx' and Path(out).suffix != '.onnx':
        raise UsageError(f'--out {out}: names of ONNX files end with .onnx')
    cfg = load_config(config, options)
    result: Exported | OnnxFile
    if format == 'onnx':
        result = export_onnx(cfg, checkpoint, out, predict_on, overwrite)
        written = str(result.path)
    else:
        network = predict_on or predicting_network(cfg)
        result = export_segmentor(
            cfg, str(checkpoint), out, network, overwrite
        )
        written = f'{result.checkpoint} and {result.config}'
    for note in result.notes:
        print(f'note: {note}')
    print(f'wrote {written}')
    return result
