"""Label the unlabeled set at the start of every round."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import broadcast, is_distributed
from mmengine.hooks import Hook
from mmengine.runner import load_checkpoint
from torch import nn
from torch.utils.data import DataLoader

from mmsemi.io.files import write_torch
from mmsemi.models.class_weights import learned_class_weights
from mmsemi.models.pseudo_labelers import rare_classes
from mmsemi.models.wrappers import unwrapped
from mmsemi.pseudo_labels.store import NO_LABELS, PseudoLabelStore
from mmsemi.registry import HOOKS
from mmsemi.report.tables import class_table
from mmsemi.self_training.batch_predictor import BatchPredictor
from mmsemi.self_training.label_checks import (
    check_label_names,
    check_label_space,
)
from mmsemi.self_training.labeling import LabelingPass
from mmsemi.self_training.round_labeler import check_learned, round_labeler
from mmsemi.utils.dist import on_main

from ..label_settings import checksum
from ..trained_network import trained_network
from ..training_state import fingerprint


@HOOKS.register_module()
class PseudoLabelHook(Hook):
    """Give a round its pseudo-labels, made once by the model it starts from.

    Labels go to ``work_dir/pseudo_labels/round_<k>``. A round that is whole
    on disk and was made by the same weights is used as it is; one that is
    missing, half-written or damaged is made again, in mid-round too: the
    weights that label are kept beside the labels until the next round.

    The figures of a round are published in the message hub under
    ``mmsemi/pseudo_labels``.

    Args:
        labeler: config of a pseudo-labeler with ``collect`` and ``fit``, such
            as ``ClassBalancedPseudoLabeler``; ``num_classes`` is filled in.
        flip: average the predictions of image and mirrored image.
        scales: relative sizes whose predictions are averaged.
        amp: ``'float16'`` or ``'bfloat16'`` for the network; statistics are
            float32 in any case.
        keep_confidence: store 16-bit confidence maps beside the labels, for
            losses that need them.
        compact_logits: rules that scale probabilities predict twice; True
            keeps half-precision logits on disk meanwhile instead.
        soft_stride: labelers that give soft labels: these are stored at one
            over this of the resolution, in 8 bits.
        rare_share: classes with a smaller share of the predictions are those
            ``RareClassCrop`` looks for in the round.
        undo_class_weights: divide the probabilities by the class weights of
            the objective, with which the network overrates rare classes.
        audit: report accuracy where the unlabeled images have masks.
        labeling_model: label with another model, ``dict(config=...,
            checkpoint=...)``, instead of the one being trained (mutual
            training). With ``dumped_config`` for ``config``, the file is one
            that a run wrote, and is read as data.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(
        self,
        labeler: dict,
        flip: bool = False,
        scales: Sequence[float] = (1.0,),
        amp: str | None = None,
        keep_confidence: bool = False,
        compact_logits: bool = False,
        soft_stride: int = 4,
        rare_share: float = 1e-3,
        undo_class_weights: bool = False,
        audit: bool = True,
        labeling_model: dict | None = None,
    ) -> None:
        self.labeler = labeler
        self.view_cfg: dict[str, Any] = dict(flip=flip, scales=scales, amp=amp)
        self.pass_cfg: dict[str, Any] = dict(
            keep_confidence=keep_confidence,
            compact_logits=compact_logits,
            soft_stride=soft_stride,
            audit=audit,
        )
        self.rare_share = rare_share
        self.undo_class_weights = undo_class_weights
        self.labeling_model = labeling_model

    def before_train(self, runner) -> None:
        """Stop now, not after round 0, if the labeler cannot be used."""
        classes = runner.train_loop.dataloader.dataset.metainfo['classes']
        labeler = round_labeler(self.labeler, classes)
        labeler.check_classes(classes)
        check_learned(labeler, unwrapped(runner.model))
        if self.undo_class_weights:
            learned_class_weights(unwrapped(runner.model))
        dataset = runner.train_loop.label_dataset
        root = self._store(runner).root
        check_label_names(root, dataset)
        # A rule of one pass writes confidences and removes them again.
        confidence = self.pass_cfg['keep_confidence'] or labeler.one_pass
        compact = self.pass_cfg['compact_logits'] and not labeler.one_pass
        predictor = self.predictor(runner, unwrapped(runner.model))
        check_label_space(
            root, dataset, confidence, predictor if compact else None
        )

    def before_round(self, runner) -> None:
        """Make the labels of the present round, or find them whole."""
        loop = runner.train_loop
        if loop.round == 0:
            return
        store = self._store(runner)
        model = self.labeling_network(runner)
        fresh = loop.iter == loop.round_begin
        weights = self._weights_file(store, loop.round)
        if is_distributed():  # buffers drift: rank 0's are the checkpoint's
            for tensor in model.state_dict().values():
                broadcast(tensor, 0)
        source = fingerprint(model) if fresh else None
        problem = on_main(self._problem, store, loop, source)
        if problem:
            if problem != NO_LABELS:  # as in every run, the first time
                runner.logger.info(
                    f'round {loop.round}: labeling, because {problem}'
                )
            if fresh:
                on_main(self._keep_weights, store, weights, model)
                manifest = self._label(runner, model, store)
            else:
                manifest = self._relabel(runner, model, store, weights)
        else:
            runner.logger.info(
                f'round {loop.round}: using the labels in '
                f'{store.folder(loop.round)}'
            )
            manifest = store.manifest(loop.round)
        loop.labeled_by = self.predictor(runner, model)
        self._publish(runner, store, manifest)

    @staticmethod
    def _store(runner) -> PseudoLabelStore:
        return PseudoLabelStore(Path(runner.work_dir) / 'pseudo_labels')

    def _problem(self, store, loop, source) -> str | None:
        """Why the labels on disk do not serve; None when they do."""
        problem = store.problem(loop.round)
        if problem:
            return problem
        manifest = store.manifest(loop.round)
        if manifest['portion'] != loop.portion:
            return (
                f'the labels on disk keep {manifest["portion"]}, the '
                f'round {loop.portion}'
            )
        if not self._has_settings(manifest, loop.runner, loop.round):
            return 'the labels on disk were made with other settings'
        if source is not None and manifest['source'] != source:
            return 'the labels on disk were made by other weights'
        return None

    def _has_settings(self, manifest: dict, runner, round_index: int) -> bool:
        """Whether labels were made with the settings of a run."""
        return manifest.get('settings') in [
            self._settings(runner, round_index, rooted)
            for rooted in (False, True)
        ]

    def _settings(self, runner, round_index: int, rooted: bool = False) -> str:
        """Checksum of all settings the labels of a round depend on."""
        return checksum(
            self.labeler,
            self.view_cfg,
            self.pass_cfg,
            self.undo_class_weights,
            self.labeling_model,
            runner.cfg.label_dataloader.dataset,
            rooted=rooted,
        )

    def labeling_network(self, runner) -> nn.Module:
        """The network that labels."""
        if self.labeling_model is None:
            return unwrapped(runner.model)
        model = trained_network(**self.labeling_model)
        return model.to(next(runner.model.parameters()).device)

    def _relabel(self, runner, model, store, weights) -> dict:
        """Label again in mid-round, with the weights the round began with."""
        if self.labeling_model is None:
            if not weights.is_file():
                raise FileNotFoundError(
                    f'{store.folder(runner.train_loop.round)} cannot be used '
                    f'and {weights}, the weights that made it, is missing. '
                    'Resume from a checkpoint saved at the end of a round'
                )
            present = copy.deepcopy(model.state_dict())
            load_checkpoint(model, str(weights), 'cpu', strict=True)
        try:
            return self._label(runner, model, store)
        finally:
            if self.labeling_model is None:
                model.load_state_dict(present)

    def _label(self, runner, model, store) -> dict:
        loop = runner.train_loop
        classes = loop.label_dataset.metainfo['classes']
        labeler = round_labeler(self.labeler, classes)
        training = model.training
        model.eval()
        try:
            manifest = self.labeling_pass(runner, model, labeler, store).run(
                loop.round,
                loop.portion,
                source=fingerprint(model),
                settings=self._settings(runner, loop.round),
                iteration=loop.round_begin,
                labeler=str(labeler),
            )
        finally:
            model.train(training)
        figures = manifest['per_class'].items()
        absent = ', '.join(k for k, v in figures if not v['candidates'])
        if absent:
            runner.logger.warning(
                f'round {loop.round}: no pixel is predicted as {absent}, so '
                'there is no such pseudo-label'
            )
        return manifest

    def labeling_pass(self, runner, model, labeler, store) -> LabelingPass:
        """What labels the images of the present round."""
        return LabelingPass(
            self.predictor(runner, model),
            self.label_loader(runner, runner.train_loop.label_dataset),
            labeler,
            store,
            **self.pass_cfg,
        )

    @staticmethod
    def label_loader(runner, dataset) -> DataLoader:
        """Loader of whole images to be labeled.

        Args:
            runner: its config says how they are loaded.
            dataset: an ``UnlabeledDataset``, or a ``Subset`` of one.
        """
        loader = dict(runner.cfg.label_dataloader, dataset=None)
        loader = dict(copy.deepcopy(loader), dataset=dataset)
        return runner.build_dataloader(loader)

    def predictor(self, runner, model: nn.Module) -> BatchPredictor:
        """What predicts the labels with a network."""
        weight = None
        if self.undo_class_weights:
            weight = learned_class_weights(unwrapped(runner.model))
        return BatchPredictor(model, class_weight=weight, **self.view_cfg)

    def _publish(self, runner, store, manifest: dict) -> None:
        figures = {k: v for k, v in manifest.items() if k != 'files'}
        figures['rare_classes'], figures['rarest'] = rare_classes(
            [c['candidates'] for c in manifest['per_class'].values()],
            self.rare_share,
        )
        figures['folder'] = str(store.folder(manifest['round']))
        runner.message_hub.update_info('mmsemi/pseudo_labels', figures)
        accuracy, right = manifest['accuracy'], ''
        if accuracy is not None:
            right = f', of which {accuracy:.1%} are right'
        runner.logger.info(
            f'round {manifest["round"]}: kept {manifest["kept"]:.1%} of '
            f"{manifest['images']} images' pixels{right}"
            f'\n{class_table(manifest["per_class"])}'
        )

    # The weights that label, kept while their round is trained.
    @staticmethod
    def _weights_file(store: PseudoLabelStore, round_index: int) -> Path:
        return store.root / f'labeling_model_{round_index}.pth'

    def _keep_weights(self, store, path: Path, model: nn.Module) -> None:
        if self.labeling_model is not None:
            return
        write_torch(store.root, path.name, dict(state_dict=model.state_dict()))
        for old in store.root.glob('labeling_model_*.pth'):
            if old != path:
                old.unlink()
