"""Predictions of any segmentor for image files, as pictures."""

import copy
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope

from mmsemi.engine.memory import is_out_of_memory
from mmsemi.models.export import leave_out_representation
from mmsemi.models.plain_config import (
    dataset_meta,
    plain_model_config,
    test_pipeline,
    test_scales,
)
from mmsemi.models.weights import load_weights, read_weights
from mmsemi.ops.maps import max_over_classes
from mmsemi.registry import MODELS, bare_name
from mmsemi.utils.errors import UsageError

from .bands import (
    SMALLEST,
    Windows,
    collect,
    number_of_windows,
    resized_rows,
    rows_of_logits,
    windows_for,
)
from .pictures import photo_of

# To tell how many windows of an image are done, and how many it has.
Tell = Callable[[int, int], None]

MAX_PIXELS = 4_000_000
MOST_BYTES = 1 << 30  # for all logits of an image at once
WINDOW = 1024
# Steps of a test pipeline that are about masks, or change what results are
# wanted for: another size, or a canvas of fixed size.
_ABOUT_EVALUATION = (
    'LoadAnnotations',
    'LoadMask',
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


class Predictor:
    """The predicting network of a checkpoint, on single images.

    Labels are those of mmseg's ``inference_model``. They have the size of
    the image file, also where a config evaluates at another.

    Args:
        cfg: config of mmsemi or plain mmseg.
        checkpoint: file of mmsemi or plain mmseg.
        predict_on: sub-model of a wrapper; what the config says by default.
        device: such as ``'cpu'`` or ``'cuda:0'``.
        max_pixels: images of which the network sees more go through it in
            windows.

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
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        network = predict_on or predicting_network(cfg)
        state, meta = read_weights(checkpoint, network)
        with DefaultScope.overwrite_default_scope('mmsemi'):
            # mmseg reads test_cfg by attributes.
            plain = plain_model_config(cfg.model, network)
            state = leave_out_representation(plain, state)
            model = MODELS.build(ConfigDict(copy.deepcopy(plain)))
            scales = test_scales(cfg)
            whole = None
            if scales:
                several = dict(
                    type='SPNet',
                    student=plain,
                    semi_test_cfg=dict(scales=scales),
                )
                whole = MODELS.build(several)
            steps = [
                step
                for step in test_pipeline(cfg)
                if bare_name(step['type']) not in _ABOUT_EVALUATION
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
        # Wrappers of ours hold an ordinary segmentor; mmseg's own are one.
        self.segmentor = getattr(self.model, 'predictor', self.model)
        self.channels = self.segmentor.out_channels
        self.max_pixels = max_pixels
        self.classes: Sequence[str] | None = about.get('classes')
        number = max(model.num_classes, 2)
        palette = about.get('palette')
        if palette is None or len(palette) < number:
            palette = np.random.default_rng(0).integers(0, 256, (number, 3))
        self.palette = np.array(palette, dtype=np.uint8)

    def __call__(
        self, path: str | Path, tell: Tell | None = None
    ) -> dict[str, np.ndarray]:
        """Predict for one file; see :meth:`predict` for ``tell``.

        Returns:
            ``ids`` uint8 (H, W), ``confidence`` float (H, W), and ``photo``
            uint8 (H, W, 3), BGR, to draw on.

        Raises:
            UsageError: if the file cannot be read as an image.
        """
        data = self.read(path)
        ids, confidence = self.predict(data, tell)
        return dict(
            ids=ids,
            confidence=confidence,
            photo=photo_of(path, data['inputs'], ids.shape),
        )

    def read(self, path: str | Path) -> dict[str, Any]:
        """What the pipeline makes of a file.

        Raises:
            UsageError: if the file cannot be read as an image.
        """
        try:
            return self.pipeline(dict(img_path=str(path)))
        except UsageError:
            raise
        except Exception as error:
            if is_image(path):
                raise
            raise UsageError(f'{path}: not a readable image') from error

    @torch.no_grad()
    def predict(
        self, data: dict[str, Any], tell: Tell | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels and confidences of what :meth:`read` returns.

        An image goes through the network as a whole where it fits, else in
        windows; see :mod:`.bands`.

        Args:
            data: of one image.
            tell: called after each window, with the number of those that
                are done and of all.

        Returns:
            uint8 (H, W) and float32 or float16 (H, W).
        """
        small = tuple(data['inputs'].shape[1:])
        large = tuple(data['data_samples'].ori_shape[:2])
        pixels = max(small[0] * small[1], large[0] * large[1])
        if (
            small[0] * small[1] > self.max_pixels
            or pixels * self.channels * 4 > MOST_BYTES
            or min(small) < SMALLEST
        ):
            return self._in_bands(data, small, large, WINDOW, tell)
        try:
            result = self.model.test_step(pseudo_collate([data]))[0]
        except RuntimeError as error:
            # Outside of this block, what the error holds is let go.
            if not is_out_of_memory(error):
                raise
        else:
            ids, sure = self.decide(result.seg_logits.data.float())
            return ids.cpu().numpy(), sure.cpu().numpy()
        return self._in_bands(data, small, large, WINDOW, tell)

    def _in_bands(
        self,
        data: dict[str, Any],
        small: tuple[int, int],
        large: tuple[int, int],
        side: int,
        tell: Tell | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`predict`, in windows, smaller ones if need be."""
        test_cfg = self.segmentor.test_cfg or {}
        if test_cfg.get('mode') == 'slide':
            windows = Windows(
                tuple(test_cfg['crop_size']), tuple(test_cfg['stride'])
            )
        elif small[0] * small[1] <= self.max_pixels and side == WINDOW:
            windows = Windows(small, small)
        else:
            windows = windows_for(small, self.channels, side)
        total, done = number_of_windows(small, windows), count(1)

        def logits_of(part: torch.Tensor) -> torch.Tensor:
            logits = self._logits(part, data['data_samples'])
            if tell is not None:
                tell(next(done), total)
            return logits

        parts = rows_of_logits(data['inputs'], windows, logits_of)
        align_corners = self.segmentor.align_corners
        rows = resized_rows(parts, small, large, align_corners)
        try:
            return collect(rows, large, self.decide)
        except RuntimeError as error:
            last = side <= WINDOW // 4 or test_cfg.get('mode') == 'slide'
            if last or not is_out_of_memory(error):
                raise
        return self._in_bands(data, small, large, side // 2, tell)

    def _logits(self, part: torch.Tensor, sample: Any) -> torch.Tensor:
        """Logits (K, a, b) of a part (C, a, b) of an image."""
        height, width = part.shape[1:]
        right, low = (max(SMALLEST - side, 0) for side in (width, height))
        if right or low:
            part = replicate(part, right, low)
        sample = sample.clone()
        size = tuple(part.shape[1:])
        sample.set_metainfo(
            dict(ori_shape=size, img_shape=size, pad_shape=size)
        )
        batch = pseudo_collate([dict(inputs=part, data_samples=sample)])
        logits = self.model.test_step(batch)[0].seg_logits.data
        return logits[:, :height, :width]

    def decide(
        self, logits: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Labels uint8 (H, W) and confidences (H, W) of logits (K, H, W).

        Of networks with one channel mmseg gives probabilities, no logits.
        """
        head = self.segmentor.decode_head
        if len(logits) == 1:
            ids = (logits[0] > head.threshold).to(torch.uint8)
            return ids, torch.maximum(logits[0], 1 - logits[0])
        ids = max_over_classes(logits[None])[1][0]
        gamma = getattr(head, 'gamma', 0)
        if gamma:  # scores of SemanticEmbeddingHead, no logits
            logits = logits.clone()
            logits[: head.num_seen] += gamma
            sure = logits.gather(0, ids[None])[0].clamp(0, 1)
        else:
            sure = logits.softmax(0).amax(0)
        return ids.to(torch.uint8), sure


def replicate(part: torch.Tensor, right: int, low: int) -> torch.Tensor:
    """An image (C, a, b) with its last column and row repeated."""
    columns = torch.arange(part.shape[2] + right).clamp_max(part.shape[2] - 1)
    rows = torch.arange(part.shape[1] + low).clamp_max(part.shape[1] - 1)
    return part[:, rows][:, :, columns]


def is_image(path: str | Path) -> bool:
    """Whether a file can be decoded in the way mmcv does it."""
    content = np.fromfile(str(path), np.uint8) if Path(path).is_file() else []
    return (
        len(content) > 0
        and cv2.imdecode(content, cv2.IMREAD_COLOR) is not None
    )
