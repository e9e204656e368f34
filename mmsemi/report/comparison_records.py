"""What a comparison rests on: evaluation, labels, cost, certificates."""

from collections.abc import Sequence

from mmsemi.utils.progress import format_seconds

from .comparison import certified, counting, passed
from .comparison_figures import mean_of, names, relative_compute
from .comparison_tables import number, table


def of_method(cells: Sequence[dict], name: str) -> list[dict]:
    """Cells of a method."""
    return [c for c in cells if c['method'] == name]


def evaluation(cells: Sequence[dict]) -> list[str]:
    """How each method was evaluated, and further measures."""
    runs = counting(cells)
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
    heads = (
        'method',
        'network',
        'images',
        'resolution',
        'mIoU',
        'boundary mIoU',
        'calibration error',
        'same when measured apart',
    )
    return [
        '## Evaluation record',
        '',
        'Last checkpoints, measured again by a process of its own. Boundary '
        'IoU: within 2 % of the diagonal (Cheng et al. 2021). Calibration '
        'error: expected, 15 bins, of pixels. All in percent.',
        '',
        *table(heads, body, left=4),
        '',
    ]


def labels(cells: Sequence[dict]) -> list[str]:
    """Coverage and precision of pseudo-labels."""
    runs = [c for c in counting(cells) if c['pseudo_labels']]
    if not runs:
        return []
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
    return [
        '## Pseudo-labels',
        '',
        'Measured apart, against masks that no training opened: pixels that '
        'get a label that counts, and those of them that are right. Methods '
        'that label as they go are asked for whole images when they are '
        'finished.',
        '',
        *table(('method', 'labels of', 'coverage', 'precision'), body, left=2),
        '',
    ]


def cost(cells: Sequence[dict]) -> list[str]:
    """What each method costs, the cheapest first."""
    runs = counting(cells)
    relative = relative_compute(cells)
    body = []
    for name in sorted(names(runs), key=lambda n: relative.get(n, 0)):
        own = of_method(runs, name)
        seconds = mean_of(own, 'seconds')
        body.append(
            (
                name,
                own[0]['iterations'],
                own[0]['images_drawn'],
                *(
                    number(sum(passed(c, k) for c in own) / len(own), '.0f')
                    for k in ('learning', 'looking', 'labeling')
                ),
                number(relative.get(name), '.2f'),
                '-' if seconds is None else format_seconds(seconds),
                number(mean_of(own, 'memory_mib'), '.0f'),
                number(mean_of(own, 'miou')),
            )
        )
    devices = sorted({str(c['device']) for c in runs})
    heads = (
        'method',
        'iterations',
        'images drawn',
        'learned from',
        'looked at',
        'labeled',
        'compute',
        'wall time',
        'peak MiB',
        'mIoU',
    )
    return [
        '## Cost, and mIoU at equal compute',
        '',
        'Means of a run. Images that passed through the networks: with '
        'gradients, without, and in labeling passes. Compute counts a '
        'forward as 1 and a forward with its backward as 3; labeled-only is '
        '1. Read the last column against it: a method that costs three times '
        'as much is to be held against labeled-only of as many images, too. '
        f'Device: {", ".join(devices)}; runs that share it slow each other.',
        '',
        *table(heads, body),
        '',
    ]


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
