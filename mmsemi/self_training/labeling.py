"""Label a whole unlabeled set with one model, once per round."""

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dist import all_gather_object, barrier, is_main_process
from mmengine.logging import print_log
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from mmsemi.evaluation import PseudoLabelQuality
from mmsemi.pseudo_labels.codes import encode_confidence
from mmsemi.pseudo_labels.statistics import ConfidenceHistogram
from mmsemi.pseudo_labels.store import (
    CONFIDENCE,
    LABELS,
    SOFT,
    PseudoLabelStore,
    read_png,
    write_png,
)
from mmsemi.utils.errors import UsageError
from mmsemi.utils.files import check_name
from mmsemi.utils.progress import track
from mmsemi.utils.space import check_space

from .predictor import Prediction, Predictor

# Enough to keep encoding off the network's thread.
WRITERS = 2


# Bytes a pixel as PNG, measured on labels of street scenes and generous.
LABEL_BYTES, CONFIDENCE_BYTES = 0.05, 1.5


class LabelingPass:
    """One labeling of an unlabeled set, shared out over the processes.

    A rule whose label is the plain argmax takes one network pass: argmax and
    16-bit confidence go to disk and are thresholded there. A rule that scales
    probabilities by the thresholds takes two passes, or one when compact
    logits (half precision, at the stride of the head) are kept in between.
    Full probability maps are never stored.

    Args:
        predictor: gives probabilities; its model must be in eval mode.
        dataloader: batches of the unlabeled set, sampled by a
            ``BatchShardSampler`` so that batches do not depend on the number
            of processes.
        labeler: a ``ClassBalancedPseudoLabeler`` or one of its kind.
        store: where the labels go.
        keep_confidence: also keep the confidence maps (16 bits a pixel).
        compact_logits: one pass where the rule would take two.
        soft_stride: soft labels, if the labeler gives any, are stored as
            averages over squares of this side.
        audit: compare with ground truth where mask files exist. It never
            influences the labels.
    """

    def __init__(
        self,
        predictor: Predictor,
        dataloader: DataLoader,
        labeler,
        store: PseudoLabelStore,
        keep_confidence: bool = False,
        compact_logits: bool = False,
        soft_stride: int = 4,
        audit: bool = True,
    ) -> None:
        if compact_logits and (predictor.flip or predictor.scales != (1.0,)):
            raise ValueError(
                'compact_logits keeps the logits of one view: '
                'use it with flip=False and scales=(1.0,)'
            )
        self.predictor = predictor
        self.dataloader = dataloader
        self.dataset = dataloader.dataset
        # Of this process, in the order of its batches.
        self.indices: list[int] = list(dataloader.sampler)
        self.labeler = labeler
        self.store = store
        self.keep_confidence = keep_confidence
        self.soft_stride = soft_stride
        self.compact_logits = compact_logits and not labeler.one_pass
        self.audit = audit
        self.files: dict[str, list] = {}
        self.lock = threading.Lock()
        self.quality = PseudoLabelQuality(labeler.num_classes)

    @torch.no_grad()
    def run(self, round_index: int, portion: float, **extra) -> dict:
        """Label the set and commit the round.

        Args:
            round_index: number of the round, from 1.
            portion: share of the predictions of each class to keep.
            extra: plain data to put into the manifest.

        Returns:
            The manifest, on every rank.
        """
        start = time.perf_counter()
        check_label_space(
            self.store.root,
            self.dataset,
            self.keep_confidence or self.labeler.one_pass,
        )
        if is_main_process():
            self.store.begin(round_index)
        barrier()
        self.folder = self.store.partial(round_index)
        device = next(self.predictor.model.parameters()).device
        self.labeler.to(device)
        statistics = ConfidenceHistogram(
            self.labeler.num_classes,
            device,
            small=getattr(self.labeler, 'prior', None) is not None,
        )
        with ThreadPoolExecutor(WRITERS) as pool:
            self.pool = pool
            self.pending: list = []
            if self.labeler.one_pass:
                self._one_pass(round_index, portion, statistics)
            else:
                self._two_passes(round_index, portion, statistics)
        return self._commit(
            round_index,
            portion,
            statistics,
            extra,
            time.perf_counter() - start,
        )

    # The two ways through the set.
    def _one_pass(self, round_index, portion, statistics) -> None:
        for index, prediction in self._predictions(
            f'round {round_index}: labeling'
        ):
            self.labeler.collect(statistics, *_of(prediction))
            confidence, labels = prediction.probabilities.max(1)
            codes = encode_confidence(confidence).cpu().numpy()
            labels = labels.byte().cpu().numpy()
            for k, i in enumerate(index):
                top, bottom, left, right = prediction.boxes[k]
                crop = (k, slice(top, bottom), slice(left, right))
                self._submit(
                    self._write_prediction,
                    i,
                    labels[crop],
                    codes[crop].astype(np.uint16),
                )
        self._drain()
        statistics.reduce()
        thresholds = self.labeler.fit(statistics, portion)
        codes = encode_confidence(thresholds.clamp(max=1)).cpu().numpy()
        # An infinite threshold (class without predictions) keeps nothing.
        codes[np.isinf(thresholds.cpu().numpy())] = np.iinfo(np.uint16).max
        for i in self.indices:
            self._submit(self._select, i, codes)
        self._drain()

    def _two_passes(self, round_index, portion, statistics) -> None:
        for _, prediction in self._predictions(
            f'round {round_index}: thresholds', keep=True
        ):
            self.labeler.collect(statistics, *_of(prediction))
        self._drain()
        statistics.reduce()
        self.labeler.fit(statistics, portion)
        again = (
            self._stored_predictions
            if self.compact_logits
            else self._predictions
        )
        for index, prediction in again(f'round {round_index}: labeling'):
            result = self.labeler(prediction.probabilities)
            plain = (
                self.labeler.weigh(prediction.probabilities)
                .argmax(1)
                .byte()
                .cpu()
                .numpy()
            )
            codes = encode_confidence(result.confidence).cpu().numpy()
            labels = result.labels.byte().cpu().numpy()
            for k, i in enumerate(index):
                top, bottom, left, right = prediction.boxes[k]
                crop = (k, slice(top, bottom), slice(left, right))
                if result.soft is not None:
                    self._submit(
                        self._write,
                        SOFT,
                        i,
                        self._compact(
                            result.soft[k, :, top:bottom, left:right]
                        ),
                    )
                if self.keep_confidence:
                    self._submit(
                        self._write,
                        CONFIDENCE,
                        i,
                        codes[crop].astype(np.uint16),
                    )
                self._submit(self._finish, i, labels[crop], plain[crop])
        self._drain()
        for path in self.folder.glob('logits_*.npz'):
            path.unlink()

    def _compact(self, soft: Tensor) -> np.ndarray:
        """(C, H, W) probabilities -> (C h, w) uint8 averages."""
        size = [-(-side // self.soft_stride) for side in soft.shape[1:]]
        small = F.adaptive_avg_pool2d(soft, size).mul(255).round()
        return small.byte().flatten(0, 1).cpu().numpy()

    # Predictions, from the network or from compact logits.
    def _predictions(
        self, description: str, keep: bool = False
    ) -> Iterator[tuple[list[int], Prediction]]:
        done = 0
        for batch in track(self.dataloader, description=description):
            if keep and self.compact_logits:
                prediction = self._keep_logits(batch, done)
            else:
                prediction = self.predictor(batch)
            size = len(prediction.boxes)
            if prediction.probabilities.sum().isnan():
                paths = [s.img_path for s in batch['data_samples']]
                raise ValueError(
                    'the model that labels predicts NaN for some image of '
                    f'{paths}: training has diverged. Start again with a '
                    'lower learning rate'
                )
            yield self.indices[done : done + size], prediction
            done += size

    def _logits_file(self, first: int) -> Path:
        return self.folder / f'logits_{self.indices[first]}.npz'

    def _keep_logits(self, batch: dict, first: int) -> Prediction:
        inputs, boxes = self.predictor.prepare(batch)
        logits = self.predictor.low_resolution(inputs)
        size = tuple(inputs.shape[-2:])
        np.savez(
            self._logits_file(first),
            logits=logits.cpu().numpy(),
            size=size,
            boxes=boxes,
        )
        return Prediction(
            self.predictor.from_low_resolution(logits, size), boxes
        )

    def _stored_predictions(self, description: str):
        done = 0
        device = self.labeler.thresholds.device
        for _ in track(range(len(self.dataloader)), description=description):
            with np.load(
                self._logits_file(done), allow_pickle=False
            ) as stored:
                logits = torch.from_numpy(stored['logits']).to(device)
                size = stored['size'].tolist()
                boxes = [tuple(box) for box in stored['boxes'].tolist()]
            yield (
                self.indices[done : done + len(boxes)],
                Prediction(
                    self.predictor.from_low_resolution(logits, size), boxes
                ),
            )
            done += len(boxes)

    # Files; these run in the writers' threads.
    def _submit(self, function, *args) -> None:
        self.pending.append(self.pool.submit(function, *args))
        if len(self.pending) > 64:  # do not let maps pile up in memory
            self.pending.pop(0).result()

    def _drain(self) -> None:
        for future in self.pending:
            future.result()
        self.pending = []

    def _write(self, kind: str, index: int, array: np.ndarray) -> None:
        name = f'{kind}/{self.dataset.get_stem(index)}.png'
        self.files[name] = write_png(self.folder, name, array)

    def _write_prediction(self, index, labels, codes) -> None:
        self._write(LABELS, index, labels)
        self._write(CONFIDENCE, index, codes)

    def _select(self, index: int, thresholds: np.ndarray) -> None:
        """Drop the predictions below the thresholds of their classes."""
        stem = self.dataset.get_stem(index)
        confidence = f'{CONFIDENCE}/{stem}.png'
        plain = read_png(self.folder / LABELS / f'{stem}.png')
        codes = read_png(self.folder / confidence)
        labels = np.where(codes >= thresholds[plain], plain, np.uint8(255))
        self._finish(index, labels, plain)
        if not self.keep_confidence:
            (self.folder / confidence).unlink()
            del self.files[confidence]

    def _finish(
        self, index: int, labels: np.ndarray, plain: np.ndarray
    ) -> None:
        self._write(LABELS, index, labels)
        with self.lock:  # numpy adds in place: one thread at a time
            self.quality.count(labels, plain)
        if self.audit:
            self._audit(index, labels)

    def _audit(self, index: int, labels: np.ndarray) -> None:
        """Compare with ground truth; a bad mask costs the figure, no more."""
        try:
            truth = self.dataset.audit_map(index)
            if truth is None:
                return
            if truth.shape != labels.shape:
                truth = cv2.resize(
                    truth, labels.shape[::-1], interpolation=cv2.INTER_NEAREST
                )
            with self.lock:
                self.quality.compare(labels, truth)
        except Exception as error:
            self.audit = False
            path = self.dataset.audit_path(index)
            print_log(
                f'accuracy of pseudo-labels is not reported in full: {path} '
                f'cannot be compared ({error}). Training goes on; if the '
                'mask needs a label map, set audit_pipeline of '
                'UnlabeledDataset',
                logger='current',
                level=logging.WARNING,
            )

    def _commit(
        self, round_index, portion, statistics, extra, seconds
    ) -> dict:
        gathered = all_gather_object((self.files, self.quality.state()))
        files = {k: v for part, _ in gathered for k, v in part.items()}
        self.quality.load_state(sum(state for _, state in gathered))
        classes = self.dataset.metainfo['classes']
        summary = self.quality.summary(classes)
        counts = statistics.counts().tolist()
        thresholds = self.labeler.thresholds.tolist()
        for name, count, threshold in zip(classes, counts, thresholds):
            summary['per_class'][name].update(
                sampled=count,
                threshold=None if np.isinf(threshold) else threshold,
            )
        manifest = dict(
            portion=portion,
            images=len(self.dataset),
            seconds=seconds,
            **summary,
            **extra,
        )
        if is_main_process():
            self.store.commit(round_index, manifest, files)
        barrier()
        return self.store.manifest(round_index)


def check_label_names(root: Path, dataset) -> None:
    """Every image gets files of its own, inside the store.

    Args:
        root: folder of the store.
        dataset: an ``UnlabeledDataset``.

    Raises:
        UsageError: naming the first image that does not.
    """
    seen: set[str] = set()
    for index in range(len(dataset)):
        name = f'{LABELS}/{dataset.get_stem(index)}.png'
        check_name(root, name)
        if name in seen:
            raise UsageError(
                'two unlabeled images would share the pseudo-labels '
                f'{name}. Remove one of them from the list'
            )
        seen.add(name)


def check_label_space(root: Path, dataset, confidence: bool) -> None:
    """Refuse to begin labels that the disk cannot hold.

    Args:
        root: folder of the store.
        dataset: an ``UnlabeledDataset``; its first image stands for all.
        confidence: whether confidence maps are written as well.

    Raises:
        UsageError: naming folder, free space and need.
    """
    if not len(dataset):
        return
    pixels = _pixels(dataset.get_data_info(0)['img_path'])
    each = LABEL_BYTES + CONFIDENCE_BYTES * confidence
    check_space(
        root,
        int(len(dataset) * pixels * each),
        f'the pseudo-labels of {len(dataset)} images of '
        f'{pixels / 1e6:.2f} megapixels',
    )


def _pixels(path: str) -> int:
    """Pixels of an image file; 0 where its header cannot be read."""
    try:
        with Image.open(path) as image:
            return image.width * image.height
    except OSError:
        return 0


def _of(prediction: Prediction) -> tuple[Tensor, Tensor]:
    return prediction.probabilities, prediction.valid()
