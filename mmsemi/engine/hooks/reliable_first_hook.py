"""Labels of the reliable images first, of the others by a better model."""

import copy
from pathlib import Path

from mmengine.runner import load_checkpoint
from torch import nn
from torch.utils.data import Subset

from mmsemi.datasets.unlabeled import only
from mmsemi.io.files import write_json, write_torch
from mmsemi.io.json_data import load_json
from mmsemi.registry import DATASETS, HOOKS
from mmsemi.self_training.batch_predictor import BatchPredictor
from mmsemi.self_training.labeling import LabelingPass
from mmsemi.self_training.stability import stability
from mmsemi.self_training.taking_over import TakingOverPass
from mmsemi.utils.dist import on_main
from mmsemi.utils.errors import UsageError

from ..training_state import fingerprint
from .pseudo_label_hook import PseudoLabelHook

RELIABILITY = 'reliability.json'


@HOOKS.register_module()
class ReliableFirstHook(PseudoLabelHook):
    """Two rounds of labels, chosen by how stable predictions were (ST++).

    Yang et al., CVPR 2022. Weights are kept ``snapshots - 1`` times in round
    0. Round 1 labels and trains on the images whose prediction by these
    agrees best with that of the last weights (:func:`stability`); round 2
    labels the others, and trains on all, the first ones with the labels they
    have. Use it with ``start_from='scratch'`` of ``SelfTrainingLoop``.

    Snapshots are ``work_dir/pseudo_labels/snapshot_<k>.pth``, figures of all
    images are in ``reliability.json`` there, so a run that dies at any
    instant chooses the same images when it is resumed.

    Args:
        snapshots: K; at 1 / K, 2 / K, ... of round 0, the last is its end.
        share: part of the images that is reliable, rounded down.
        **kwargs: see :class:`PseudoLabelHook`; without ``labeling_model``.
    """

    def __init__(
        self, snapshots: int = 3, share: float = 0.5, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if snapshots < 2:
            raise ValueError(
                f'snapshots must be at least 2 to compare, got {snapshots}'
            )
        if not 0 < share < 1:
            raise ValueError(f'share must lie in (0, 1), got {share}')
        if self.labeling_model is not None:
            raise ValueError(
                'ReliableFirstHook compares the weights of this run: leave '
                'labeling_model out'
            )
        self.snapshots, self.share = snapshots, share

    def before_train(self, runner) -> None:
        """Stop now where the rounds do not fit."""
        loop = runner.train_loop
        if loop.num_rounds != 2 or loop.round_ends[0] < self.snapshots:
            raise UsageError(
                'ReliableFirstHook needs two rounds (portions=(1.0, 1.0)) '
                f'after a round 0 of at least {self.snapshots} iterations, '
                f'got {loop.num_rounds} after {loop.round_ends[0]}'
            )
        if not self.number(loop):
            raise UsageError(
                f'share={self.share} of {len(loop.label_dataset)} unlabeled '
                'images is none: ReliableFirstHook needs more images'
            )
        super().before_train(runner)

    def number(self, loop) -> int:
        """How many images are reliable."""
        return int(self.share * len(loop.label_dataset))

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Keep the weights where a part of round 0 ends."""
        loop = runner.train_loop
        for k in range(1, self.snapshots) if loop.round == 0 else ():
            if loop.iter + 1 == self.taken_at(runner, k):
                on_main(self._keep_snapshot, runner, k)

    def taken_at(self, runner, k: int) -> int:
        """Iterations of round 0 before the k-th snapshot."""
        return runner.train_loop.round_ends[0] * k // self.snapshots

    def _keep_snapshot(self, runner, k: int) -> None:
        state = self.labeling_network(runner).state_dict()
        path = self.snapshot(runner, k)
        path.parent.mkdir(exist_ok=True)
        write_torch(path.parent, path.name, dict(state_dict=state))

    def snapshot(self, runner, k: int) -> Path:
        """File of the k-th snapshot."""
        return self._store(runner).root / f'snapshot_{k}.pth'

    def before_round(self, runner) -> None:
        """Labels of the round, and the images it trains on."""
        super().before_round(runner)
        loop = runner.train_loop
        chosen = None
        if loop.round == 1:
            chosen = self.order(runner)[: self.number(loop)]
        # Not in checkpoints: the file says it.
        runner.message_hub.update_info(
            'mmsemi/chosen_images', chosen, resumed=False
        )

    def order(self, runner) -> list[int]:
        """Numbers of the unlabeled images, most reliable first."""
        found = on_main(self._read, runner)
        if found is None:
            raise UsageError(
                f'{self._store(runner).root / RELIABILITY} is missing or '
                'damaged, which says what images were chosen: resume from '
                'the checkpoint at the end of round 0'
            )
        return found['order']

    def _read(self, runner) -> dict | None:
        path = self._store(runner).root / RELIABILITY
        try:
            found = load_json(path)
            return found if isinstance(found['order'], list) else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def labeling_pass(self, runner, model, labeler, store) -> LabelingPass:
        """Of the reliable images in round 1, of the others in round 2."""
        loop, config = runner.train_loop, runner.cfg.label_dataloader.dataset
        predictor = self.predictor(runner, model)
        number = self.number(loop)
        if loop.round == 1:
            self._rank(runner, model)
            chosen = only(config, self.order(runner)[:number])
            loader = self.label_loader(runner, DATASETS.build(chosen))
            return LabelingPass(
                predictor, loader, labeler, store, **self.pass_cfg
            )
        problem = on_main(store.problem, 1)
        if problem:
            raise UsageError(
                f'{store.folder(1)} cannot be used: {problem}. Round 2 keeps '
                'its labels; resume from a checkpoint of round 1'
            )
        order = self.order(runner)
        both = DATASETS.build(only(config, order[number:] + order[:number]))
        others = Subset(both, range(len(both) - number))
        return TakingOverPass(
            predictor,
            self.label_loader(runner, others),
            labeler,
            store,
            former=store.folder(1),
            **self.pass_cfg,
        )

    def _rank(self, runner, model: nn.Module) -> None:
        """Put the images in order, unless these weights have done it."""
        source = fingerprint(model)
        known = on_main(self._read, runner)
        if known is not None and known.get('source') == source:
            return
        earlier = []
        for k in range(1, self.snapshots):
            path = self.snapshot(runner, k)
            if not path.is_file():
                raise UsageError(
                    f'{path}, weights of round 0, is missing, so images '
                    'cannot be compared: resume from a checkpoint before '
                    f'iteration {self.taken_at(runner, k)}'
                )
            network = copy.deepcopy(model)
            load_checkpoint(network, str(path), 'cpu', strict=True)
            earlier.append(BatchPredictor(network, amp=self.view_cfg['amp']))
        dataset = runner.train_loop.label_dataset
        found = stability(
            earlier,
            BatchPredictor(model, amp=self.view_cfg['amp']),
            self.label_loader(runner, dataset),
        )
        order = (-found).argsort(kind='stable').tolist()
        figures = dict(
            source=source,
            order=order,
            reliability=dict(zip(dataset.stems(), found.tolist())),
        )
        root = self._store(runner).root
        on_main(write_json, root, RELIABILITY, figures)
        chosen = self.number(runner.train_loop)
        runner.logger.info(
            f'predictions of {chosen} reliable images agree by '
            f'{found[order[:chosen]].mean():.1%} with those of earlier '
            f'weights, of the others by {found[order[chosen:]].mean():.1%}'
        )
