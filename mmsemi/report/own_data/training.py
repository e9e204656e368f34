"""Curves of the two trainings of a run."""

from typing import Any

from mmsemi.utils.errors import UsageError

from ..scalars import Curve, read_run
from .run_folder import RunFolder

PANELS = (
    ('mIoU', 'Mean IoU on the hold-out, %'),
    ('loss_sup_ce', 'Loss on labeled images'),
    ('loss', 'Loss, all terms together'),
    ('loss_unsup', 'Loss on unlabeled images'),
    ('confident_ratio', 'Share of unlabeled pixels that are learned from'),
    ('pseudo_label_accuracy', 'Share of pseudo-labels that are right'),
)


def run_curves(run: RunFolder, place: str, begun: int = 0) -> dict[str, Curve]:
    """Curves of one training, none where nothing was logged.

    Args:
        run: folder of the run.
        place: of the training in it.
        begun: iterations that another training did for it.
    """
    try:
        found = read_run(str(run.path / place))
    except UsageError:  # nothing was logged: the page goes without
        return {}
    return {
        key: curve._replace(steps=[step + begun for step in curve.steps])
        for key, curve in found.items()
    }


def panels(curves: dict[str, dict[str, Curve]]) -> list[dict[str, Any]]:
    """Lines of each picture, of the trainings that have them.

    The loss on labeled images where both have it, else the whole loss.
    """
    found = []
    apart = all('loss_sup_ce' in run for run in curves.values() if run)
    for key, title in PANELS:
        if key == ('loss' if apart else 'loss_sup_ce'):
            continue
        lines = []
        for name, run in curves.items():
            # Of two networks the one that predicts.
            for full in (key, f'teacher/{key}', f'student/{key}'):
                if full in run:
                    curve = run[full]
                    lines.append((name, curve.steps, curve.values))
                    break
        # A point alone is no curve; its figure is in the tables.
        if any(len(steps) > 1 for _, steps, _ in lines):
            found.append(dict(title=title, lines=lines, points=key == 'mIoU'))
    return found
