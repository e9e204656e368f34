"""Label a whole unlabeled set with one model, once per round."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, barrier, get_rank, is_main_process
from torch import Tensor
from torch.utils.data import DataLoader

from mmsemi.io.files import whole_file
from mmsemi.ops.maps import max_over_classes
from mmsemi.pseudo_labels.codes import encode_confidence
from mmsemi.pseudo_labels.statistics import ConfidenceHistogram
from mmsemi.pseudo_labels.store import CONFIDENCE, PseudoLabelStore
from mmsemi.utils.batches import refuse_not_finite
from mmsemi.utils.progress import track

from .batch_predictor import BatchPredictor, Prediction
from .label_checks import check_label_space
from .label_files import LabelFiles


class LabelingPass:
    """One labeling of an unlabeled set, shared out over the processes.

    A rule whose label is the plain argmax takes one network pass: argmax and
    16-bit confidence go to disk and are thresholded there. A rule that scales
    probabilities by the thresholds takes two passes, or one when compact
    logits (half precision, at the stride of the head) are kept in between.
    Full probability maps are never stored. Images of a batch that differ in
    size are predicted apart, and labels have the size of their image.

    Args:
        predictor: gives probabilities; its model must be in eval mode.
        dataloader: batches of the unlabeled set by a ``BatchShardSampler``,
            the same with any number of processes.
        labeler: a ``ClassBalancedPseudoLabeler`` or one of its kind.
        store: where the labels go.
        keep_confidence: also keep the confidence maps (16 bits a pixel).
        compact_logits: one pass where the rule would take two.
        soft_stride: side of the squares over which soft labels are averaged.
        audit: compare with ground truth where mask files exist. It never
            influences the labels.
    """

    label_files: Callable[..., LabelFiles] = LabelFiles  # writes labels

    def __init__(
        self,
        predictor: BatchPredictor,
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
        self.labeler = labeler
        self.store = store
        self.keep_confidence = keep_confidence
        self.soft_stride = soft_stride
        self.compact_logits = compact_logits and not labeler.one_pass
        self.audit = audit

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
            self.predictor if self.compact_logits else None,
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
        with self.label_files(
            self.folder,
            self.dataset,
            self.own_images(),
            self.labeler.num_classes,
            self.audit,
        ) as files:
            if self.labeler.one_pass:
                self._one_pass(files, round_index, portion, statistics)
            else:
                self._two_passes(files, round_index, portion, statistics)
            self.finish(files)
        summary = self._summary(files, statistics)
        self.store.hand_in(round_index, files.table, get_rank())
        barrier()
        if is_main_process():
            manifest = dict(
                portion=portion,
                images=len(self.dataset),
                seconds=time.perf_counter() - start,
                **summary,
                **extra,
            )
            self.store.commit(round_index, manifest, self.dataset.stems())
        barrier()
        return self.store.manifest(round_index)

    def own_images(self) -> np.ndarray:
        """Numbers of the images of this process, in its order."""
        sampler = self.dataloader.sampler
        return np.fromiter(sampler, np.int64, len(sampler))

    def finish(self, files: LabelFiles) -> None:
        """Give labels to images that are not predicted; there are none."""

    # The two ways through the set.
    def _one_pass(self, files, round_index, portion, statistics) -> None:
        for rows, prediction in self._predictions(
            f'round {round_index}: labeling'
        ):
            probabilities = prediction.probabilities
            best = self.labeler.collect(
                statistics, probabilities, prediction.valid()
            )
            codes = encode_confidence(best[0]).cpu().numpy()
            labels = best[1].byte().cpu().numpy()
            for k, row in enumerate(rows):
                crop = prediction.crop(k)
                files.prediction(
                    row, labels[crop], codes[crop].astype(np.uint16)
                )
        files.drain()
        statistics.reduce()
        thresholds = self.labeler.fit(statistics, portion)
        codes = encode_confidence(thresholds.clamp(max=1)).cpu().numpy()
        # An infinite threshold (class without predictions) keeps nothing.
        codes[np.isinf(thresholds.cpu().numpy())] = np.iinfo(np.uint16).max
        for row in track(
            range(len(self.dataloader.sampler)),
            description=f'round {round_index}: selecting',
        ):
            files.select(row, codes, self.keep_confidence)
        files.drain()
        if not self.keep_confidence:
            files.table.forget(CONFIDENCE)

    def _two_passes(self, files, round_index, portion, statistics) -> None:
        counted = False
        for rows, prediction in self._predictions(
            f'round {round_index}: thresholds', keep=True
        ):
            found = self.labeler.collect(
                statistics, prediction.probabilities, prediction.valid()
            )
            if found is not None:
                counted = True
                self._count(files, rows, prediction, found[1])
        statistics.reduce()
        self.labeler.fit(statistics, portion)
        again = (
            self._stored_predictions
            if self.compact_logits
            else self._predictions
        )
        for rows, prediction in again(f'round {round_index}: labeling'):
            result = self.labeler(prediction.probabilities)
            if not counted:
                weighed = self.labeler.weigh(prediction.probabilities)
                best = max_over_classes(weighed)[1]
                self._count(files, rows, prediction, best)
            labels = result.labels.byte().cpu().numpy()
            if self.keep_confidence:
                codes = encode_confidence(result.confidence).cpu().numpy()
            for k, row in enumerate(rows):
                crop = prediction.crop(k)
                if result.soft is not None:
                    _, down, across = crop
                    files.soft(
                        row, self._compact(result.soft[k, :, down, across])
                    )
                if self.keep_confidence:
                    files.confidence(row, codes[crop].astype(np.uint16))
                files.labels(row, labels[crop])
        files.drain()
        for path in self._logits_files():  # others may not be through
            path.unlink()

    @staticmethod
    def _count(files, rows, prediction: Prediction, predicted) -> None:
        """Count the classes predicted on images, padding left out."""
        predicted = predicted.byte().cpu().numpy()
        for k, row in enumerate(rows):
            files.candidates(row, predicted[prediction.crop(k)])

    def _compact(self, soft: Tensor) -> np.ndarray:
        """(C, H, W) probabilities -> (C h, w) uint8 averages."""
        size = [-(-side // self.soft_stride) for side in soft.shape[1:]]
        small = F.adaptive_avg_pool2d(soft, size).mul(255).round()
        return small.byte().flatten(0, 1).cpu().numpy()

    # Predictions, from the network or from compact logits.
    def _predictions(
        self, description: str, keep: bool = False
    ) -> Iterator[tuple[list[int], Prediction]]:
        """Rows of this process and what is predicted for them."""
        done = 0
        for batch in track(self.dataloader, description=description):
            for places, part in self.predictor.equal_sizes(batch):
                rows = [done + place for place in places]
                if keep and self.compact_logits:
                    prediction = self._keep_logits(part, rows)
                else:
                    prediction = self.predictor(part)
                if prediction.probabilities.sum().isnan():
                    refuse_not_finite(batch)
                    paths = [s.img_path for s in part['data_samples']]
                    raise ValueError(
                        'the model that labels predicts NaN for some image '
                        f'of {paths}: training has diverged. Start again '
                        'with a lower learning rate'
                    )
                yield rows, prediction
            done += len(batch['data_samples'])

    def _logits_file(self, number: int) -> Path:
        return self.folder / f'logits_{get_rank()}_{number}.npz'

    def _logits_files(self) -> list[Path]:
        """Those of this process, in the order of its images."""
        return sorted(
            self.folder.glob(f'logits_{get_rank()}_*.npz'),
            key=lambda path: int(path.stem.rpartition('_')[2]),
        )

    def _keep_logits(self, batch: dict, rows: list[int]) -> Prediction:
        inputs, boxes = self.predictor.prepare(batch)
        logits = self.predictor.low_resolution(inputs)
        size = tuple(inputs.shape[-2:])
        path, kept = self._logits_file(rows[0]), logits.cpu().numpy()
        with whole_file(path.parent, path.name, sync=False) as file:
            np.savez(file, logits=kept, size=size, boxes=boxes, rows=rows)
        return Prediction(
            self.predictor.from_low_resolution(logits, size), boxes
        )

    def _stored_predictions(self, description: str):
        device = self.labeler.thresholds.device
        for path in track(self._logits_files(), description=description):
            with np.load(path, allow_pickle=False) as stored:
                logits = torch.from_numpy(stored['logits']).to(device)
                size = stored['size'].tolist()
                boxes = [tuple(box) for box in stored['boxes'].tolist()]
                rows = stored['rows'].tolist()
            probabilities = self.predictor.from_low_resolution(logits, size)
            yield rows, Prediction(probabilities, boxes)

    def _summary(self, files, statistics) -> dict:
        """Figures of all processes."""
        state = torch.from_numpy(files.quality.state()).to(
            self.labeler.thresholds.device
        )
        all_reduce(state)
        files.quality.load_state(state.cpu().numpy())
        classes = self.dataset.metainfo['classes']
        summary = files.quality.summary(classes)
        counts = statistics.counts().tolist()
        thresholds = self.labeler.thresholds.tolist()
        for name, count, threshold in zip(classes, counts, thresholds):
            summary['per_class'][name].update(
                sampled=count,
                threshold=None if np.isinf(threshold) else threshold,
            )
        return summary
