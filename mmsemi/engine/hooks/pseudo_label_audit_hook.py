"""How good the labels of a teacher are, class by class."""

from pathlib import Path

import torch
from mmengine.dist import all_reduce, is_main_process
from mmengine.hooks import Hook
from torch import Tensor

from mmsemi.io.files import write_json
from mmsemi.io.json_data import load_json
from mmsemi.models.targets import Targets
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS
from mmsemi.utils.labels import IGNORE

from .run_summary_hook import publish_file

REPORT = 'pseudo_label_audit.json'


@HOOKS.register_module()
class PseudoLabelAuditHook(Hook):
    """Log and write the accuracy of pseudo-labels per class.

    Only with ``semi_train_cfg.audit`` of a ``MeanTeacher`` and
    samples that carry ``gt_audit``; otherwise the hook does nothing. Labels
    are those of ``pseudo_label_accuracy``: mixed, as the loss gets them.
    Every ``interval`` iterations, over the iterations since the last time
    and all processes, there are for each class

    - ``predicted``: share of the valid pixels that get this label;
    - ``confident``: share of these labels that have a weight;
    - ``right``: share of labels with a weight that are right (precision);
    - ``found``: share of the pixels of this class that have the right label
      and a weight (recall).

    They go to the log as a table, to ``work_dir/pseudo_label_audit.json``
    and, the last three as ``audit/right/<class>`` and so on, to the curves.
    A resumed run begins a new count and goes on with its file.

    Args:
        interval: iterations from one report to the next; the end of the
            training reports as well.
    """

    # Behind MeanTeacherHook, before the summary names the file.
    priority = 'BELOW_NORMAL'

    def __init__(self, interval: int = 500) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}')
        self.interval = interval
        self.counts: Tensor | None = None
        self.reports: list[dict] = []

    def before_train(self, runner) -> None:
        """Begin to count if the model audits."""
        model = unwrapped(runner.model)
        if not getattr(model, 'semi_train_cfg', {}).get('audit'):
            return
        self.classes = runner.train_loop.dataloader.dataset.metainfo['classes']
        device = next(model.parameters()).device
        self.counts = new_counts(len(self.classes), device)
        self.begin = runner.iter
        self.reports = earlier_reports(runner.work_dir, runner.iter)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Ask the model for its records."""
        if self.counts is not None:
            unwrapped(runner.model).recording = True

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Count, and report when it is time."""
        if self.counts is None:
            return
        records = unwrapped(runner.model).records or {}
        # Where a loss gets fewer labels, those before are recorded, too.
        learned = [record.targets for record in records.get('learned', [])]
        predicted = [record.targets for record in records.get('predicted', [])]
        for targets, before in zip(learned, predicted or learned):
            if targets.truth is not None:
                count(self.counts, targets, len(self.classes), before.labels)
        if (runner.iter + 1) % self.interval == 0:
            self._report(runner, runner.iter + 1)

    def after_train(self, runner) -> None:
        """Report what is left."""
        if self.counts is not None and runner.iter > self.begin:
            self._report(runner, runner.iter)

    def _report(self, runner, iteration: int) -> None:
        all_reduce(self.counts)
        counts = self.counts.clone()
        figures = per_class(counts, self.classes)
        begin, self.begin = self.begin, iteration
        self.counts.zero_()
        if not is_main_process() or not any(
            f['predicted'] for f in figures.values()
        ):
            return  # warm-up
        self.reports.append(
            dict(iterations=[begin, iteration], per_class=figures)
        )
        write_json(runner.work_dir, REPORT, self.reports)
        publish_file(runner, 'audit', REPORT)
        runner.message_hub.update_info(
            'mmsemi/pseudo_labels', overall(counts, len(self.classes))
        )
        runner.logger.info(
            f'pseudo-labels of iterations {begin + 1} to {iteration}:\n'
            f'{table(figures)}'
        )
        scalars = {
            f'audit/{key}/{name}': values[key]
            for name, values in figures.items()
            for key in ('confident', 'right', 'found')
            if values[key] is not None
        }
        if scalars:
            runner.visualizer.add_scalars(scalars, step=iteration)


def earlier_reports(folder: str, iteration: int) -> list[dict]:
    """Those in a work dir that end where a run goes on, or before."""
    if not iteration:
        return []
    try:
        found = load_json(Path(folder) / REPORT)
        return [r for r in found if r['iterations'][1] <= iteration]
    except (OSError, ValueError, TypeError, LookupError):
        return []


def new_counts(num_classes: int, device) -> Tensor:
    """Room for truth by label (C x C), labels, labels with a weight, truth.

    The last place takes what is not to be counted.
    """
    return torch.zeros(
        num_classes * (num_classes + 3) + 1, dtype=torch.int64, device=device
    )


def count(
    counts: Tensor, targets: Targets, num_classes: int, predicted: Tensor
) -> None:
    """Add a batch to the counts, without waiting for the device.

    Args:
        counts: see :func:`new_counts`; changed in place.
        targets: what the loss gets: ``weights``, and ``truth``, of which
            what is no class is not compared.
        num_classes: C.
        predicted: all labels (N, H, W), also those that the loss does not
            get; 255 on padding.
    """
    labels, truth = predicted.long(), targets.truth
    given, known = labels != IGNORE, (truth >= 0) & (truth < num_classes)
    known = known & given
    chosen = given & (targets.weights > 0)
    square = num_classes**2
    places = torch.stack(
        [
            place.where(use, len(counts) - 1)
            for place, use in (
                (truth.long() * num_classes + labels, chosen & known),
                (square + labels, given),
                (square + num_classes + labels, chosen),
                (square + 2 * num_classes + truth.long(), known),
            )
        ]
    ).flatten()
    counts.scatter_add_(0, places, torch.ones_like(places))


def per_class(counts: Tensor, classes) -> dict[str, dict]:
    """Figures of every class, None where there is nothing to divide by."""
    number = len(classes)
    cells = counts[:-1].cpu()
    confusion = cells[: number**2].view(number, number)
    predicted, chosen, truth = cells[number**2 :].view(3, number)
    right = confusion.diagonal()

    def share(part, whole):
        return float(part / whole) if whole else None

    return {
        name: dict(
            predicted=share(predicted[c], predicted.sum()) or 0.0,
            confident=share(chosen[c], predicted[c]),
            right=share(right[c], confusion[:, c].sum()),
            found=share(right[c], truth[c]),
        )
        for c, name in enumerate(classes)
    }


def overall(counts: Tensor, number: int) -> dict:
    """Share of the labels that count, and of those that are right."""
    cells = counts[:-1].cpu()
    confusion = cells[: number**2].view(number, number)
    predicted, chosen = cells[number**2 :].view(3, number)[:2].sum(1).tolist()
    known = confusion.sum().item()
    return dict(
        kept=chosen / predicted if predicted else None,
        accuracy=confusion.trace().item() / known if known else None,
    )


def table(figures: dict[str, dict]) -> str:
    """A line for each class."""
    keys = ('predicted', 'confident', 'right', 'found')
    lines = [f'{"class":>16s}' + ''.join(f'  {key:>9s}' for key in keys)]
    for name, values in figures.items():
        cells = (
            '-' if values[key] is None else f'{values[key]:.1%}'
            for key in keys
        )
        lines.append(f'{name:>16s}' + ''.join(f'  {c:>9s}' for c in cells))
    return '\n'.join(lines)
