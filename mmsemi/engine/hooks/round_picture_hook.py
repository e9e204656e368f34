"""Picture of a few unlabeled images before and after self-training."""

import copy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from mmsemi.engine.pictures import as_picture, for_people, show_picture
from mmsemi.io.files import whole_file
from mmsemi.pseudo_labels.codes import decode_confidence
from mmsemi.pseudo_labels.store import CONFIDENCE, LABELS, read_png
from mmsemi.registry import DATASETS, HOOKS
from mmsemi.report import draw_rounds
from mmsemi.report.facts import config_name
from mmsemi.self_training.batch_predictor import BatchPredictor

from .run_summary_hook import publish_file

FOLDER, PICTURE = 'pictures', 'pictures/before_after.png'
CANDIDATES = 4  # for each image shown
SMALLEST = 0.005  # share of an image from which on a class counts


@HOOKS.register_module()
class RoundPictureHook(Hook):
    """Draw ``work_dir/pictures/before_after.png``, anew after every round.

    A row for each image: image, ground truth where it exists (for the
    picture alone), prediction of round 0 and of the last round, and the last
    pseudo-label, paler where the model was less certain. Images lie spread
    over the unlabeled set; of some neighbors the one with most classes in
    its prediction is taken. Predictions are kept in ``pictures/*.npz``, so a
    resumed run still shows round 0. A picture that fails is a warning, never
    the end of a run.

    Args:
        num_images: rows of the picture.
    """

    # After the labels of a round are there, before the summary names it.
    priority = 'NORMAL'

    def __init__(self, num_images: int = 4) -> None:
        self.num_images = num_images
        self.dataset: Any = None

    def before_round(self, runner) -> None:
        """Keep the labels of the round, and how sure their maker was."""
        loop = runner.train_loop
        name = f'labels_{loop.round}'
        fresh = loop.iter == loop.round_begin
        if loop.round and (fresh or not self._file(runner, name).is_file()):
            self._try(runner, self._keep_labels, runner, name, fresh)

    def after_round(self, runner) -> None:
        """Predict, and renew the picture."""
        self._try(runner, self._show, runner, runner.train_loop.round)

    def after_train(self, runner) -> None:
        """A run without rounds is shown at its end."""
        if not hasattr(runner.train_loop, 'round_end'):
            self._try(runner, self._show, runner, 0)

    @staticmethod
    def _try(runner, function, *args) -> None:
        if not is_main_process() or not runner.cfg.get('label_dataloader'):
            return
        try:
            with for_people():
                function(*args)
        except Exception as error:
            runner.logger.warning(
                f'{PICTURE} is not up to date: {type(error).__name__}: {error}'
            )

    # Files of a round.
    @staticmethod
    def _file(runner, name: str) -> Path:
        return Path(runner.work_dir) / FOLDER / f'{name}.npz'

    def _save(self, runner, name: str, **arrays) -> None:
        path = self._file(runner, name)
        with whole_file(path.parent, path.name) as file:
            np.savez_compressed(file, **arrays)

    def _load(self, runner, name: str) -> dict[str, np.ndarray]:
        path = self._file(runner, name)
        if not path.is_file():
            return {}
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)

    # Predictions.
    def _dataset(self, runner):
        if self.dataset is None:
            self.dataset = getattr(
                runner.train_loop, 'label_dataset', None
            ) or DATASETS.build(
                copy.deepcopy(runner.cfg.label_dataloader.dataset)
            )
        return self.dataset

    def _predict(
        self, predictor: BatchPredictor, indices: list[int]
    ) -> list[tuple]:
        """``(image (H, W, 3) RGB, labels, confidence)`` of each index."""
        model, results = predictor.model, []
        training = model.training
        model.eval()
        try:
            for index in indices:
                batch = pseudo_collate([self.dataset[index]])
                with torch.no_grad():
                    probabilities, boxes = predictor(batch)
                top, bottom, left, right = boxes[0]
                crop = (slice(top, bottom), slice(left, right))
                confidence, labels = probabilities[0].max(0)
                results.append(
                    (
                        as_picture(batch['inputs'][0])[crop],
                        labels.byte().cpu().numpy()[crop],
                        confidence.half().cpu().numpy()[crop],
                    )
                )
        finally:
            model.train(training)
        return results

    def _choose(self, runner) -> np.ndarray:
        """Indices of the images to show, in order."""
        total = len(self._dataset(runner))
        number = min(self.num_images, total)
        spread = (
            np.linspace(0, total - 1, min(number * CANDIDATES, total))
            .round()
            .astype(int)
        )
        chosen = []
        for group in np.array_split(spread, number):
            classes = [
                (np.bincount(labels.ravel()) > SMALLEST * labels.size).sum()
                for _, labels, _ in self._predict(
                    BatchPredictor(runner.model), group.tolist()
                )
            ]
            chosen.append(group[int(np.argmax(classes))])
        return np.array(chosen)

    def _chosen(self, runner, round_index: int) -> np.ndarray:
        stored = self._load(runner, 'round_0') if round_index else {}
        return (
            stored['indices'] if 'indices' in stored else self._choose(runner)
        )

    def _keep_labels(self, runner, name: str, fresh: bool) -> None:
        dataset = self._dataset(runner)
        indices = self._chosen(runner, runner.train_loop.round)
        folder = Path(
            runner.message_hub.get_info('mmsemi/pseudo_labels')['folder']
        )
        arrays = {'indices': indices}
        missing = []
        for k, index in enumerate(indices.tolist()):
            file = f'{dataset.get_stem(index)}.png'
            if not (folder / LABELS / file).is_file():
                continue  # none in this round
            arrays[f'pseudo_{k}'] = read_png(folder / LABELS / file)
            if (folder / CONFIDENCE / file).is_file():
                arrays[f'confidence_{k}'] = decode_confidence(
                    read_png(folder / CONFIDENCE / file)
                )
            else:
                missing.append((k, index))
        maker = runner.train_loop.labeled_by
        if missing and fresh and maker is not None:
            found = self._predict(maker, [i for _, i in missing])
            for (k, _), (_, _, confidence) in zip(missing, found):
                arrays[f'confidence_{k}'] = confidence
        self._save(runner, name, **arrays)

    # The picture.
    def _show(self, runner, round_index: int) -> None:
        dataset = self._dataset(runner)
        indices = self._chosen(runner, round_index)
        found = self._predict(BatchPredictor(runner.model), indices.tolist())
        self._save(
            runner,
            f'round_{round_index}',
            indices=indices,
            **{f'after_{k}': labels for k, (_, labels, _) in enumerate(found)},
        )
        before = self._load(runner, 'round_0') if round_index else {}
        labels = self._load(runner, f'labels_{round_index}')
        rows = []
        for k, (image, after, _) in enumerate(found):
            row = dict(
                image=image,
                after=after,
                stem=dataset.get_stem(int(indices[k])),
            )
            row.update(
                {
                    'before': before.get(f'after_{k}'),
                    'pseudo': labels.get(f'pseudo_{k}'),
                    'confidence': labels.get(f'confidence_{k}'),
                    'truth': _truth(dataset, int(indices[k]), after.shape),
                }
            )
            rows.append({key: v for key, v in row.items() if v is not None})
        picture = draw_rounds(
            Path(runner.work_dir) / PICTURE,
            rows,
            dataset.metainfo['classes'],
            dataset.metainfo['palette'],
            _titles(round_index, runner),
            heading=f'Unlabeled images, {config_name(runner.cfg)}',
        )
        publish_file(runner, 'picture', PICTURE)
        show_picture(runner, 'before_after', picture, runner.iter)


def _titles(round_index: int, runner) -> dict[str, str]:
    last = f'prediction after round {round_index}'
    if hasattr(runner.train_loop.dataloader.dataset, 'unlabeled'):
        if not hasattr(runner.train_loop, 'round_end'):
            last = 'prediction after training'
    elif not round_index:
        last = 'prediction, labeled images only'
    portion = getattr(runner.train_loop, 'portion', None)
    return dict(
        image='image',
        truth='ground truth (not used)',
        before='prediction before, labeled images only',
        after=last,
        pseudo=f'pseudo-label of round {round_index} '
        f'(portion {portion}), paler = less certain',
    )


def _truth(dataset, index: int, shape: tuple) -> np.ndarray | None:
    """Ground truth (H, W) uint8 at the size of the prediction, or None."""
    audit = getattr(dataset, 'audit_map', None)
    truth = audit(index) if audit else None
    if truth is None or truth.shape == shape:
        return truth
    return cv2.resize(truth, shape[::-1], interpolation=cv2.INTER_NEAREST)
