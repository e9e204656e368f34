"""What a comparison rests on: evaluation, labels, cost, certificates."""

from collections.abc import Sequence

from mmsemi.utils.progress import format_seconds

from .comparison import certified, counting, passed
from .comparison_figures import mean, mean_of, names, relative_compute
from .comparison_tables import number, split_tables, table


def of_method(cells: Sequence[dict], name: str) -> list[dict]:
    """Cells of a method."""
    return [c for c in cells if c['method'] == name]


def evaluation(cells: Sequence[dict]) -> list[str]:
    """How each method was evaluated, and further measures."""
    heads = (
        'method',
        'network that predicts',
        'image at once or in windows',
        'resolution',
        'mIoU',
        'boundary mIoU',
        'calibration error',
        'same mIoU when measured again',
    )
    return [
        '## Evaluation record',
        '',
        'Last checkpoints, measured again by a process of its own. Boundary '
        'IoU: within 2 % of the diagonal (Cheng et al. 2021). Calibration '
        'error: expected, 15 bins, of pixels. All in percent.',
        '',
        *split_tables(counting(cells), heads, _evaluation_rows, left=4),
    ]


def _evaluation_rows(runs: Sequence[dict]) -> list[tuple]:
    body = []
    for name in names(runs):
        own = of_method(runs, name)
        how = own[0].get('evaluation') or {}
        mode = how.get('mode', '-')
        if mode == 'slide':
            mode += f' {how.get("window")}, step {how.get("stride")}'
        same = [c['same_as_in_training'] for c in own]
        body.append(
            (
                name,
                how.get('network', '-'),
                mode,
                how.get('resolution', '-'),
                number(mean_of(own, 'miou')),
                number(mean_of(own, 'boundary_miou')),
                number(mean_of(own, 'calibration_error')),
                'yes'
                if all(same)
                else ('**no**' if False in same else 'not measured'),
            )
        )
    return body


def labels(cells: Sequence[dict]) -> list[str]:
    """Coverage and precision of pseudo-labels."""
    runs = [c for c in counting(cells) if c['pseudo_labels']]
    if not runs:
        return []
    heads = ('method', 'labels by', 'coverage', 'precision')
    return [
        '## Pseudo-labels',
        '',
        'Measured apart, against masks that no training opened: pixels that '
        'get a label that counts, and those of them that are right. Methods '
        'that label as they go are asked for whole images when they are '
        'finished.',
        '',
        *split_tables(runs, heads, _label_rows, left=2),
    ]


def _label_rows(runs: Sequence[dict]) -> list[tuple]:
    body = []
    for name in names(runs):
        own = of_method(runs, name)
        body.append(
            (
                name,
                own[0]['pseudo_labels']['of'],
                *(
                    number(mean_of(own, 'pseudo_labels', k), '.1%')
                    for k in ('coverage', 'precision')
                ),
            )
        )
    return body


def cost(cells: Sequence[dict]) -> list[str]:
    """What each method costs, the cheapest first."""
    runs = counting(cells)
    devices = sorted({str(c['device']) for c in runs})
    heads = (
        'method',
        'iterations',
        'images drawn',
        'of these labeled',
        'forward and backward',
        'forward alone',
        'in labeling passes',
        'compute',
        'wall time',
        'peak MiB',
        'mIoU',
    )
    return [
        '## Cost, and mIoU at equal compute',
        '',
        'Means of a run. Drawn are images from the lists; one may pass '
        'through networks several times, with gradients (forward and '
        'backward), without, or to be labeled between rounds. Compute counts '
        'a forward as 1 and a forward with its backward as 3, and '
        'labeled-only is 1. Hold a method that costs twice as much against '
        'labeled-only-as-many-images, too. '
        f'Device: {", ".join(devices)}; runs that share it slow each other.',
        '',
        *split_tables(runs, heads, _cost_rows),
    ]


def _cost_rows(runs: Sequence[dict]) -> list[tuple]:
    relative = relative_compute(runs)
    body = []
    for name in sorted(names(runs), key=lambda n: relative.get(n, 0)):
        own = of_method(runs, name)
        seconds = mean_of(own, 'seconds')
        body.append(
            (
                name,
                own[0]['iterations'],
                own[0]['images_drawn'],
                '-'
                if own[0].get('labeled_drawn') is None
                else own[0]['labeled_drawn'],
                *(
                    number(mean([passed(c, k) for c in own]), '.0f')
                    for k in ('learning', 'looking', 'labeling')
                ),
                number(relative.get(name), '.2f'),
                '-' if seconds is None else format_seconds(seconds),
                number(mean_of(own, 'memory_mib'), '.0f'),
                number(mean_of(own, 'miou')),
            )
        )
    return body


def best_on_test(cells: Sequence[dict]) -> list[str]:
    """The best checkpoint beside the last, marked as what it is.

    Nothing where no method has one.
    """
    runs = [c for c in counting(cells) if c['best_miou'] is not None]
    if not runs:
        return []
    return [
        '## Extra: best checkpoint, chosen on the images it is measured on',
        '',
        'Not a result: whoever picks the best of several validations has '
        'used the test labels. Given because papers report it.',
        '',
        *split_tables(runs, ('method', 'last', 'best on test'), _best_rows),
    ]


def _best_rows(runs: Sequence[dict]) -> list[tuple]:
    body = []
    for name in names(runs):
        own = of_method(runs, name)
        means = (mean_of(own, key) for key in ('miou', 'best_miou'))
        body.append((name, *(number(value, '.2f') for value in means)))
    return body


def leaks(cells: Sequence[dict]) -> list[str]:
    """The certificates, runs that say the same in one row."""
    body: dict[tuple, int] = {}
    for cell in counting(cells):
        masks = cell['masks'].get('masks', {})
        words = [
            f'{masks[r]["opened"]} of {masks[r]["listed"]}'
            if r in masks
            else '-'
            for r in ('labeled', 'unlabeled', 'val')
        ]
        key = (cell['method'], cell['split'], certified(cell), *words)
        body[key] = body.get(key, 0) + 1
    rows = [(*key[:3], runs, *key[3:]) for key, runs in body.items()]
    heads = (
        'method',
        'split',
        'no mask of an unlabeled image opened',
        'runs',
        'labeled masks',
        'masks of unlabeled images',
        'validation masks',
    )
    return [
        '## Leak certificate',
        '',
        'Every file that Python opened while training was seen, in the '
        'processes that load data as well.',
        '',
        *table(heads, rows, left=3),
        '',
    ]
