"""Notice while training that a network loses what it had learned."""

from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from torch import Tensor, nn

from mmsemi.models.segmentors.batch import SUP, WEAK, true_labels
from mmsemi.models.segmentors.modes import in_mode
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS
from mmsemi.utils.errors import TrainingFailed
from mmsemi.utils.labels import resize_labels

from ..class_watch import ClassWatch, Collapse
from ..good_state import GoodState

# Where events travel in checkpoints, and the state of the watches.
COLLAPSES, WATCHES = 'mmsemi/collapses', 'mmsemi/class_watches'
ACTIONS = ('warn', 'restore', 'stop')
UNTOLD = 'nothing learned'
ADVICE = (
    'Start again with a lower learning rate or a smaller unsup_weight; what '
    'was saved before is unchanged'
)


@HOOKS.register_module()
class CollapseHook(Hook):
    """Say when a class dies or everything becomes one class.

    Now and then the student and the network that predicts look at the
    present batch, labeled and weak views, in eval mode and without gradient:
    no random number is drawn and nothing moves. :class:`.ClassWatch` says
    what is lost. It is one line of the log, and an entry ``collapses`` of
    ``summary.json``. Counts are those of all processes together.

    With ``on_collapse='restore'`` training goes on once from the last state
    in which nothing was missed, with lower learning rates, an empty optimizer
    and half the weight of unlabeled images; iterations are not repeated. So
    it does when a loss is not finite, see ``DivergenceHook``. If it happens
    again, training stops. Where half-way no class is told from another yet,
    that is said, too.

    Args:
        interval: iterations between two looks; by default a fortieth of the
            run, 10 to 200.
        patience: looks in a row in which a class must be missed.
        on_collapse: ``'warn'``, ``'restore'`` or ``'stop'``.
        lr_factor: of the learning rates after going back.
        unsup_factor: of the weight of unlabeled images after going back.
    """

    # Before the teacher moves and anything is saved.
    priority = 'ABOVE_NORMAL'

    def __init__(
        self,
        interval: int | None = None,
        patience: int = 3,
        on_collapse: str = 'warn',
        lr_factor: float = 0.3,
        unsup_factor: float = 0.5,
    ) -> None:
        if interval is not None and interval < 1 or patience < 1:
            raise ValueError(
                'interval and patience must be at least 1, got '
                f'{interval} and {patience}'
            )
        if on_collapse not in ACTIONS:
            raise ValueError(
                f'on_collapse must be one of {", ".join(ACTIONS)}, got '
                f'{on_collapse!r}'
            )
        if not 0 < lr_factor <= 1 or not 0 <= unsup_factor <= 1:
            raise ValueError(
                'lr_factor must lie in (0, 1] and unsup_factor in [0, 1], '
                f'got {lr_factor} and {unsup_factor}'
            )
        self.interval = interval
        self.patience = patience
        self.on_collapse = on_collapse
        self.lr_factor = lr_factor
        self.unsup_factor = unsup_factor
        self.watches: dict[str, ClassWatch] = {}
        self.good = GoodState()

    def before_train(self, runner) -> None:
        """Go on where a resumed run stood."""
        states = runner.message_hub.get_info(WATCHES, {})
        self.watches = {
            name: ClassWatch(self.patience, state)
            for name, state in states.items()
        }
        if self._restored(runner):  # rates are in the optimizer's state
            self._weigh_less(unwrapped(runner.model))
        elif self.on_collapse == 'restore':
            self._keep(runner, runner.iter)

    def before_round(self, runner) -> None:
        """A round may start from other weights; one that goes on does not."""
        if runner.train_loop.iter == runner.train_loop.round_begin:
            for watch in self.watches.values():
                watch.forget()

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Look when it is time."""
        every = self.interval or min(max(runner.max_iters // 40, 10), 200)
        if (runner.iter + 1) % every:
            return
        model = unwrapped(runner.model)
        found = None
        for name, counts in self.count(model, data_batch).items():
            watch = self.watches.setdefault(name, ClassWatch(self.patience))
            collapse = watch.look(counts[:-1], counts[-1])
            found = found or (collapse and (name, collapse))
        self._publish(runner)
        if found:
            name, collapse = found
            text = self.sentence(runner, name, collapse)
            self.act(runner, text, collapse.kind, name, collapse.classes)
            return
        if 2 * (runner.iter + 1) >= runner.max_iters:
            self._say_if_untold(runner)
        if (
            self.on_collapse == 'restore'
            and not self._restored(runner)
            and all(watch.well for watch in self.watches.values())
        ):
            self._keep(runner, runner.iter + 1)

    def after_divergence(self, runner, text: str) -> bool:
        """Go back once if a loss is not finite; whether it was done.

        Raises:
            TrainingFailed: if it was done before.
        """
        again = self._restored(runner)
        able = again or self.good.iteration is not None
        if self.on_collapse != 'restore' or not able:
            return False
        self.act(runner, text, 'not finite', '', [])
        return True

    def act(
        self, runner, text: str, kind: str, network: str, classes: list[int]
    ) -> None:
        """Warn, go back, or stop.

        Raises:
            TrainingFailed: to stop.
        """
        names = runner.train_loop.dataloader.dataset.metainfo['classes']
        event: dict[str, Any] = dict(
            iteration=runner.iter + 1,
            kind=kind,
            network=network,
            classes=[names[index] for index in classes],
            action='warned',
            text=text,
        )
        stop = self.on_collapse == 'stop'
        if self.on_collapse == 'restore':
            stop = self._restored(runner) or self.good.iteration is None
            if not stop:
                model = unwrapped(runner.model)
                back = self.good.bring_back(runner, model, self.lr_factor)
                lighter = self._weigh_less(model)
                # A class that dies again, however soon, is noticed.
                for key, watch in self.watches.items():
                    watch.recall(self.good.learned.get(key, ()))
                self._publish(runner)
                self.good = GoodState()
                for hook in getattr(runner, 'hooks', ()):
                    if hasattr(hook, 'after_restore'):
                        hook.after_restore(runner)
                event.update(action='restored', restored_to=back)
                text += (
                    f'; going on from the weights of iteration {back}, with '
                    f'{self.lr_factor:g} times the learning rate'
                    + f' and {self.unsup_factor:g} times the weight of '
                    'unlabeled images' * lighter
                )
        if stop:
            event['action'] = 'stopped'
        self._add_event(runner, event)
        if stop:
            if self._restored(runner):
                text += ', after it had gone back to a good state once'
            raise TrainingFailed(f'training has collapsed: {text}. {ADVICE}')
        runner.logger.warning(text)

    def sentence(self, runner, network: str, collapse: Collapse) -> str:
        """What has happened, for a person."""
        names = runner.train_loop.dataloader.dataset.metainfo['classes']
        who = f'in iteration {runner.iter + 1} the {network}'
        named = ', '.join(names[index] for index in collapse.classes)
        if collapse.kind == 'one class':
            return f'{who} predicts nothing but {named}'
        return f'{who} no longer predicts {named}, which it had learned'

    @torch.no_grad()
    def count(self, model: nn.Module, data_batch) -> dict[str, np.ndarray]:
        """Confusion of each network, and what it predicts elsewhere.

        Returns:
            (C + 1, C) pixels by the network's name: rows are the truth of the
            labeled images, the last one is all pixels of the others. Nothing
            where no process has a labeled image.
        """
        data = model.data_preprocessor(data_batch, True)
        inputs, samples = data['inputs'], data['data_samples']
        if not isinstance(inputs, dict):
            inputs, samples = {SUP: inputs}, {SUP: samples}
        found = {}
        for name, network in networks(model).items():
            classes = max(network.out_channels, 2)  # one channel: binary
            device = next(model.parameters()).device
            pairs = other = torch.zeros(0, dtype=torch.long, device=device)
            with in_mode(network, False):
                if SUP in inputs:
                    labels = predicted(network, inputs[SUP])
                    truth = true_labels(samples[SUP])
                    truth = resize_labels(truth, labels.shape[-2:])
                    pairs = (truth * classes + labels)[truth < classes]
                if WEAK in inputs:
                    other = predicted(network, inputs[WEAK])
            rows = [
                torch.bincount(pairs, minlength=classes**2),
                torch.bincount(other.ravel(), minlength=classes),
            ]
            counts = torch.cat(rows).view(classes + 1, classes)
            all_reduce(counts)  # also of a process without labeled images
            if counts[:-1].any():
                found[name] = counts.cpu().numpy()
        return found

    def _restored(self, runner) -> bool:
        events = runner.message_hub.get_info(COLLAPSES, [])
        return any(event['action'] == 'restored' for event in events)

    def _weigh_less(self, model: nn.Module) -> bool:
        settings = getattr(model, 'semi_train_cfg', None) or {}
        if 'unsup_weight' in settings:
            settings['unsup_weight'] *= self.unsup_factor
        return 'unsup_weight' in settings

    def _keep(self, runner, iteration: int) -> None:
        learned = {k: sorted(w.learned) for k, w in self.watches.items()}
        self.good.keep(unwrapped(runner.model), iteration, learned)

    def _publish(self, runner) -> None:
        runner.message_hub.update_info(
            WATCHES, {k: watch.state() for k, watch in self.watches.items()}
        )

    @staticmethod
    def _add_event(runner, event: dict[str, Any]) -> None:
        events = runner.message_hub.get_info(COLLAPSES, [])
        runner.message_hub.update_info(COLLAPSES, [*events, event])

    def _say_if_untold(self, runner) -> None:
        """Say once, half-way, that nothing was learned; it may come yet."""
        names = [k for k, watch in self.watches.items() if watch.untold]
        events = runner.message_hub.get_info(COLLAPSES, [])
        if not names or any(event['kind'] == UNTOLD for event in events):
            return
        event: dict[str, Any] = dict(
            iteration=runner.iter + 1,
            kind=UNTOLD,
            network=names[0],
            classes=[],
            action='warned',
            text=f'until iteration {runner.iter + 1} the {names[0]} has not '
            'learned to tell one class from another',
        )
        self._add_event(runner, event)
        runner.logger.warning(event['text'])


def networks(model: nn.Module) -> dict[str, nn.Module]:
    """The student and the network that predicts, by name."""
    settings = getattr(model, 'semi_test_cfg', None) or {}
    names = dict.fromkeys(('student', settings.get('predict_on', 'student')))
    found = {name: getattr(model, name, None) for name in names}
    found = {k: network for k, network in found.items() if network is not None}
    return found or dict(network=model)


def predicted(network: nn.Module, images: Tensor) -> Tensor:
    """Labels (N, h, w) int64 at the resolution of the head."""
    logits = network(images, mode='tensor')
    if logits.shape[1] == 1:  # binary
        return (logits[:, 0] > 0).long()
    return logits.argmax(1)
