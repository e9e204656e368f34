"""Predictions of any segmentor for image files, as pictures."""

import copy
import glob
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope

from mmsemi.io.files import write_png
from mmsemi.io.image_files import show_file
from mmsemi.models.export import leave_out_representation
from mmsemi.models.plain_config import (
    dataset_meta,
    plain_model_config,
    test_pipeline,
    test_scales,
)
from mmsemi.models.weights import load_weights, read_weights
from mmsemi.prepare.files import IMAGE_SUFFIXES
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

# Steps of a test pipeline that are about masks, or change what results are
# wanted for: another size, or a canvas of fixed size.
_ABOUT_EVALUATION = (
    'LoadAnnotations',
    'MapLabels',
    'MapZeroLabels',
    'SetOriShape',
    'CenterPadFields',
    'CenterCropFields',
)


def predicting_network(cfg: Config) -> str:
    """The sub-model a config predicts with, ``'student'`` by default."""
    test_cfg = cfg.model.get('semi_test_cfg') or {}
    return test_cfg.get('predict_on', 'student')


def find_images(source: str | Path) -> dict[str, Path]:
    """Image files by their path, without suffix, below the given place.

    Args:
        source: a file, a folder (searched with all below it), or a pattern
            with wildcards (``**`` for any folders).

    Raises:
        UsageError: if there is none, or two differ in their suffix only.
    """
    source = os.path.expanduser(str(source))
    if os.path.isfile(source):
        paths, root = [source], os.path.dirname(source)
    elif os.path.isdir(source):
        paths = glob.glob(
            os.path.join(glob.escape(source), '**', '*'), recursive=True
        )
        root = source
        paths = [p for p in paths if p.lower().endswith(IMAGE_SUFFIXES)]
    elif glob.has_magic(source):
        paths = glob.glob(source, recursive=True)
        parts = Path(source).parts
        fixed = next(i for i, p in enumerate(parts) if glob.has_magic(p))
        root = os.path.join(*parts[:fixed]) if fixed else ''
        paths = [p for p in paths if p.lower().endswith(IMAGE_SUFFIXES)]
    else:
        raise UsageError(
            f'{source}: no such file or folder. Give an image, '
            'a folder or a quoted pattern such as "photos/*.jpg"'
        )
    images: dict[str, Path] = {}
    for path in sorted(p for p in paths if os.path.isfile(p)):
        path = os.path.normpath(path)
        stem = os.path.splitext(os.path.relpath(path, root or '.'))[0]
        if stem.split(os.sep)[0] == os.pardir:
            raise UsageError(
                f'{path}: the pattern {source} leaves {root or "."}, where it '
                'begins, so the results would lie outside --out. Give a '
                'pattern without .. behind the first wildcard'
            )
        if images.get(stem) == Path(path):  # found by another way
            continue
        if stem in images:
            raise UsageError(
                f'{path} and {images[stem]} would give results '
                'of one name. Predict for them apart'
            )
        images[stem] = Path(path)
    if not images:
        raise UsageError(
            f'{source}: no images with the suffixes '
            f'{", ".join(IMAGE_SUFFIXES)}'
        )
    return images


class Predictor:
    """The predicting network of a checkpoint, on single images.

    Labels are those of mmseg's ``inference_model``. They have the size of
    the image file, also where a config evaluates at another.

    Args:
        cfg: config of mmsemi or plain mmseg.
        checkpoint: file of mmsemi or plain mmseg.
        predict_on: sub-model of a wrapper; what the config says by default.
        device: such as ``'cpu'`` or ``'cuda:0'``.

    Attributes:
        classes: their names, or None.
        palette: uint8 (C, 3), RGB.

    Raises:
        UsageError: if the weights do not fit.
    """

    def __init__(
        self,
        cfg: Config,
        checkpoint: str | Path,
        predict_on: str | None = None,
        device: str = 'cpu',
    ) -> None:
        network = predict_on or predicting_network(cfg)
        state, meta = read_weights(checkpoint, network)
        with DefaultScope.overwrite_default_scope('mmsemi'):
            # mmseg reads test_cfg by attributes.
            plain = plain_model_config(cfg.model, network)
            state = leave_out_representation(plain, state)
            model = MODELS.build(ConfigDict(copy.deepcopy(plain)))
            scales = test_scales(cfg)
            whole = (
                MODELS.build(
                    dict(
                        type='SPNet',
                        student=plain,
                        semi_test_cfg=dict(scales=scales),
                    )
                )
                if scales
                else None
            )
            steps = [
                step
                for step in test_pipeline(cfg)
                if step['type'].split('.')[-1] not in _ABOUT_EVALUATION
            ]
            self.pipeline = Compose(steps)
            about = dataset_meta(cfg, meta) or {}
        load_weights(
            model,
            state,
            f'checkpoint {checkpoint}',
            leave_out=cfg.get('load_except') or (),
            training=False,
        )
        if whole is not None:
            whole.student = model
            model = whole
        self.model = revert_sync_batchnorm(model).to(device).eval()
        self.classes: Sequence[str] | None = about.get('classes')
        number = max(model.num_classes, 2)
        palette = about.get('palette')
        if palette is None or len(palette) < number:
            palette = np.random.default_rng(0).integers(0, 256, (number, 3))
        self.palette = np.array(palette, dtype=np.uint8)

    @torch.no_grad()
    def __call__(self, path: str | Path) -> dict[str, np.ndarray]:
        """Predict for one file.

        Returns:
            ``ids`` uint8 (H, W), ``confidence`` float32 (H, W), and ``photo``
            uint8 (H, W, 3), BGR, to draw on.

        Raises:
            UsageError: if the file cannot be read as an image.
        """
        try:
            data = self.pipeline(dict(img_path=str(path)))
        except UsageError:
            raise
        except Exception as error:
            if is_image(path):
                raise
            raise UsageError(f'{path}: not a readable image') from error
        result = self.model.test_step(pseudo_collate([data]))[0]
        logits = result.seg_logits.data.float()
        ids = result.pred_sem_seg.data[0]
        gamma = getattr(self.model.decode_head, 'gamma', 0)
        if gamma:  # scores of SemanticEmbeddingHead, no logits
            logits[: self.model.decode_head.num_seen] += gamma
            confidence = logits.gather(0, ids[None].long())[0].clamp(0, 1)
        elif len(logits) == 1:  # binary, one channel
            probability = logits[0].sigmoid()
            confidence = torch.maximum(probability, 1 - probability)
        else:
            confidence = logits.softmax(0).amax(0)
        return dict(
            ids=ids.to(torch.uint8).cpu().numpy(),
            confidence=confidence.cpu().numpy(),
            photo=photo_of(path, data['inputs'], ids.shape),
        )


def photo_of(
    path: str | Path, inputs: torch.Tensor, size: Sequence[int]
) -> np.ndarray:
    """A file as a picture, uint8 (H, W, 3), BGR.

    Args:
        path: image file.
        inputs: (C, h, w), what a pipeline made of it, shown where nobody
            else can read the file: its first bands, from dark to bright.
        size: (H, W) of the picture.
    """
    try:
        photo = show_file(str(path))
    except UsageError:
        bands = inputs[:3].float()
        bands = bands if len(bands) == 3 else bands[:1].expand(3, -1, -1)
        low, high = bands.aminmax()
        photo = ((bands - low) / (high - low).clamp_min(1e-6) * 255).byte()
        photo = photo.permute(1, 2, 0).numpy()
    height, width = size
    if photo.shape[:2] != (height, width):
        photo = cv2.resize(photo, (width, height))
    return photo


def is_image(path: str | Path) -> bool:
    """Whether a file can be decoded in the way mmcv does it."""
    content = np.fromfile(str(path), np.uint8) if Path(path).is_file() else []
    return (
        len(content) > 0
        and cv2.imdecode(content, cv2.IMREAD_COLOR) is not None
    )


def save_prediction(
    out: Path,
    stem: str,
    prediction: dict[str, np.ndarray],
    palette: np.ndarray,
    opacity: float = 0.5,
    raw: bool = False,
    confidence: bool = False,
) -> list[Path]:
    """Write the pictures of one prediction as PNG.

    Args:
        out: folder; ``color/``, ``overlay/``, ``ids/`` and ``confidence/``
            are below it.
        stem: path below those, without suffix.
        prediction: result of :class:`Predictor`.
        palette: uint8 (C, 3), RGB.
        opacity: of the colors in the overlay.
        raw: write class ids, 8 bit.
        confidence: write confidences, 8 bit, 255 = certain.

    Returns:
        The files.
    """
    colors = palette[prediction['ids']][..., ::-1]
    photo = prediction['photo']
    pictures = dict(
        color=colors,
        overlay=cv2.addWeighted(
            np.ascontiguousarray(colors), opacity, photo, 1 - opacity, 0
        ),
    )
    if raw:
        pictures['ids'] = prediction['ids']
    if confidence:
        pictures['confidence'] = (
            (prediction['confidence'] * 255).round().astype(np.uint8)
        )
    files = []
    for kind, picture in pictures.items():
        name = f'{kind}/{stem}.png'
        write_png(out, name, np.ascontiguousarray(picture))
        files.append(out / name)
    return files
