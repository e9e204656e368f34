"""ONNX files whose logits are those of PyTorch."""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.structures import SegDataSample

from mmsemi.io.files import write_bytes
from mmsemi.models.export import refuse_existing
from mmsemi.models.onnx_model import INPUT, OnnxGraph, describe, onnx_bytes
from mmsemi.models.plain_config import test_pipeline, test_scales
from mmsemi.registry import bare_name
from mmsemi.utils.errors import UsageError
from mmsemi.version import __version__

from .inference import Predictor

# Largest difference of logits, and what large ones may differ more.
ABSOLUTE, RELATIVE = 1e-4, 1e-5
SIZES = ((96, 128), (136, 104))


class OnnxFile(NamedTuple):
    """What :func:`export_onnx` wrote.

    Attributes:
        path: the file.
        dynamic: whether it takes any number of images of any size.
        differences: largest difference of logits from PyTorch's, by the
            (height, width) of the images that were tried.
        notes: what to know about it.
    """

    path: Path
    dynamic: bool
    differences: dict[tuple[int, int], float]
    notes: list[str]


def export_onnx(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path,
    predict_on: str | None = None,
    overwrite: bool = False,
) -> OnnxFile:
    """Write an ONNX file, after its logits were compared with PyTorch's.

    Args:
        cfg: config of mmsemi or plain mmseg.
        checkpoint: its weights.
        out: file to write.
        predict_on: sub-model to take; what the config says by default.
        overwrite: replace a file that exists.

    Raises:
        UsageError: if onnx or onnxruntime is missing, the network cannot be
            exported, or logits differ by more than 1e-4 (and 1e-5 of their
            size).
    """
    onnx = _import_onnx()
    out = Path(out)
    refuse_existing([out], overwrite)
    predictor = Predictor(cfg, checkpoint, predict_on)
    segmentor: Any = predictor.segmentor
    notes = []
    if test_scales(cfg):
        notes.append('several scales predict in mmsemi, one in ONNX')
    steps = test_pipeline(cfg)
    if any('Resize' in bare_name(step.get('type')) for step in steps):
        notes.append(
            'the pipeline resizes images; programs that run the model must, '
            'too (see "pipeline" in its metadata)'
        )
    if segmentor.test_cfg.get('mode') == 'slide':
        notes.append(
            'mmseg predicts in windows of '
            f'{tuple(segmentor.test_cfg["crop_size"])}, the ONNX model on '
            'what it is given'
        )
    graph = OnnxGraph(segmentor).eval()
    channels = channels_of(segmentor)
    content, dynamic = _any_size(graph, segmentor, channels, notes)
    sizes = SIZES if dynamic else (_fixed_size(segmentor),)
    differences = {}
    for size in sizes:
        found, allowed = compare(content, segmentor, size, channels, dynamic)
        differences[size] = found
        print(
            f'{size[1]}x{size[0]} pixels: logits differ from PyTorch by '
            f'{found:.1e} at most'
        )
        if found > allowed or not np.isfinite(found):
            raise UsageError(
                f'{out} was not written: for images of {size[1]}x{size[0]} '
                f'its logits differ from those of PyTorch by {found:.1e}, '
                f'more than {allowed:.1e}. This network cannot be trusted in '
                'ONNX; export it with --format mmseg'
            )
    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(
        model,
        describe(
            graph,
            [str(c) for c in predictor.classes or range(predictor.channels)],
            predictor.palette.tolist(),
            steps,
            __version__,
        ),
    )
    onnx.checker.check_model(model)
    write_bytes(out.parent, out.name, model.SerializeToString())
    return OnnxFile(out, dynamic, differences, notes)


def _import_onnx() -> Any:
    try:
        import onnx
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f'--format onnx needs {error.name}, which is not installed. '
            'Install the extra: pip install "mmsemi[onnx]"'
        ) from error
    return onnx


def _any_size(
    graph: OnnxGraph, segmentor: Any, channels: int, notes: list[str]
) -> tuple[bytes, bool]:
    """The model for any size, or else for that of training."""
    try:
        content = onnx_bytes(graph, SIZES[0], channels, dynamic=True)
        found, allowed = compare(content, segmentor, SIZES[1], channels, True)
        if found <= allowed:
            return content, True
    except Exception:  # exporter and runtime raise nearly anything
        pass
    size = _fixed_size(segmentor)
    notes.append(
        f'this network can be exported for one size only: one image of '
        f'{size[1]}x{size[0]} pixels'
    )
    try:
        return onnx_bytes(graph, size, channels, dynamic=False), False
    except Exception as error:
        why = ' '.join(str(error).split())[:200]
        raise UsageError(
            f'{type(segmentor.decode_head).__name__} or '
            f'{type(segmentor.backbone).__name__} cannot be exported to ONNX '
            f'({why}). Export with --format mmseg'
        ) from error


def _fixed_size(segmentor: Any) -> tuple[int, int]:
    size = segmentor.test_cfg.get('crop_size')
    size = size or segmentor.data_preprocessor.size or (512, 512)
    return int(size[0]), int(size[1])


def channels_of(segmentor: Any) -> int:
    """Bands of the images that a network takes."""
    convolutions = (
        module
        for module in segmentor.backbone.modules()
        if isinstance(module, torch.nn.Conv2d)
    )
    first = next(convolutions, None)
    return 3 if first is None else first.in_channels


def compare(
    content: bytes,
    segmentor: Any,
    size: tuple[int, int],
    channels: int,
    dynamic: bool,
) -> tuple[float, float]:
    """Largest difference from what mmseg predicts, and the largest allowed.

    Args:
        content: of the ONNX file.
        segmentor: the network of PyTorch.
        size: (H, W) of the random images to try.
        channels: of images.
        dynamic: whether two images may be tried at once.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it raises is told in our words
    session = onnxruntime.InferenceSession(
        content, options, providers=['CPUExecutionProvider']
    )
    images = random_images(1 + dynamic, channels, size)
    got = session.run(None, {INPUT: images.numpy()})[0]
    before = segmentor.test_cfg
    segmentor.test_cfg = copy.deepcopy(before)
    segmentor.test_cfg['mode'] = 'whole'
    try:
        want = torch.stack([_of_mmseg(segmentor, x) for x in images]).numpy()
    finally:
        segmentor.test_cfg = before
    if want.shape[1] == 1:  # mmseg gives probabilities of one channel
        got = 1 / (1 + np.exp(-got))
    allowed = ABSOLUTE + RELATIVE * float(np.abs(want).max())
    return float(np.abs(got - want).max()), allowed


def random_images(
    number: int, channels: int, size: tuple[int, int]
) -> torch.Tensor:
    """(N, C, H, W) float32 from 0 to 255, with areas and edges."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.rand(number, channels, 7, 9, generator=generator)
    return torch.nn.functional.interpolate(blocks, size, mode='nearest') * 255


@torch.no_grad()
def _of_mmseg(segmentor: Any, image: torch.Tensor) -> torch.Tensor:
    """Logits (K, H, W) as mmseg's ``inference_model`` gives them."""
    size = tuple(image.shape[1:])
    sample = SegDataSample(
        metainfo=dict(ori_shape=size, img_shape=size, pad_shape=size)
    )
    if len(image) == 3:  # mmseg reads BGR
        image = image.flip(0)
    batch = pseudo_collate([dict(inputs=image, data_samples=sample)])
    return segmentor.test_step(batch)[0].seg_logits.data
