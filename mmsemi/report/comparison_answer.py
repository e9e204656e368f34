"""What a comparison says in short, and how far its methods are comparable."""

from collections.abc import Sequence
from typing import Any

from .comparison import (
    BASELINES,
    LABELED_ONLY,
    SAME_IMAGES,
    SAME_LABELS,
    SUPERSEDED,
    counting,
    without_result,
)
from .comparison_configs import base_name
from .comparison_figures import best_of, with_size
from .comparison_tables import in_words

# Settings that are to be shared, by the beginning of their names; the first
# that fits says what it is.
SHARED = {
    'network.decode_head.loss_decode': 'loss of labeled images',
    'network.': 'network',
    'load_from': 'weights to start from',
    'optim_wrapper.': 'optimizer',
    'param_scheduler.': 'schedule',
    'train.labeled.': 'labeled images',
    'semi.labeled.': 'labeled images in rounds',
    'val_dataloader': 'evaluation',
    'val_evaluator': 'evaluation',
}


def headline(
    figures: dict[str, Any],
    cells: Sequence[dict],
    changes: dict[str, list[str]],
) -> list[str]:
    """Which method is ahead, and which differences these runs show."""
    # Of trials of an earlier grid nothing is awaited.
    total = sum(not c.get(SUPERSEDED) for c in cells)
    done = total - len(without_result(cells))
    lines = []
    for split, rows in figures['splits'].items():
        lines += answer(split, rows, cells)
    lines += baselines(cells) + budgets(cells)
    lines += unequal(changes, base_name(cells))
    if done < total:
        lines.append(
            f'- **Not finished**: {done} of {total} runs have a result.'
        )
    return [*lines, '']


def answer(
    split: str, rows: dict[str, dict], cells: Sequence[dict]
) -> list[str]:
    """The best method of a split and who is as good by these runs."""
    best = best_of(rows)
    if best is None:
        return []
    sizes = {
        with_size(c)['lists_labeled'] for c in cells if c['split'] == split
    }
    row = rows[best]
    pairs = row['runs']
    # A mean of fewer runs is not held to be better.
    higher = {
        n: other for n, other in rows.items() if other['mean'] > row['mean']
    }
    words = (
        f'- Split {split} ({"/".join(map(str, sorted(sizes)))} labeled '
        f'images, {pairs} run{"s" * (pairs > 1)} each): '
        f'{"the baseline " * (best in BASELINES)}**{best}** has the highest '
        f'mean{f" of those with {pairs} runs" * bool(higher)}, '
        f'{row["mean"]:.1f}'
    )
    if best in BASELINES:
        methods = {k: v for k, v in rows.items() if k not in BASELINES}
        first = best_of(methods)
        if first:
            own = methods[first]
            words += (
                f'; the best of the methods is **{first}**, {own["mean"]:.1f}'
            )
            if own['difference']:
                words += (
                    f', {in_words(own["difference"])} against {LABELED_ONLY}'
                )
    elif row['difference']:
        words += f', {in_words(row["difference"])} against {LABELED_ONLY}'
    behind = {
        name: other['against'].get('best')
        for name, other in rows.items()
        if name != best and name not in higher
    }
    equal = [
        n for n, gap in behind.items() if gap and gap['verdict'] != 'worse'
    ]
    if higher:
        words += '. Higher, with fewer runs: ' + ', '.join(
            f'{n} ({other["mean"]:.1f}, {other["runs"]} '
            f'run{"s" * (other["runs"] > 1)})'
            for n, other in higher.items()
        )
    if pairs == 1:
        words += (
            '. One run each separates nothing: give more seeds (`--seeds 0 1 '
            '2`)'
        )
    elif equal:
        # Of a baseline the best of the methods was named in between.
        words += f'. Not separable from {best if best in BASELINES else "it"}'
        words += f': {", ".join(equal)}'
    elif any(behind.values()):
        words += f'. It is separable from {"the" if higher else "all"} others'
        if not all(behind.values()):
            words += ' that have runs of the same seeds'
    return [words + '.', *(verdicts(split, rows) if pairs > 1 else [])]


def verdicts(split: str, rows: dict[str, dict]) -> list[str]:
    """Methods by what is said of them against either baseline."""
    lines = []
    for base in (LABELED_ONLY, SAME_LABELS):
        said: dict[str, list[str]] = {}
        for name, row in rows.items():
            found = (
                row['difference']
                if base == LABELED_ONLY
                else row['against'].get(base)
            )
            if found and name not in BASELINES:
                said.setdefault(found['verdict'], []).append(name)
        words = '; '.join(
            f'{kind}: {", ".join(found)}' for kind, found in said.items()
        )
        if words:
            lines.append(f'- Split {split}, against {base}: {words}.')
    return lines


def baselines(cells: Sequence[dict]) -> list[str]:
    """What the baselines on labeled images are, in figures."""
    first = {c['method']: c for c in reversed(counting(cells))}
    sizes = {
        name: cell.get('labeled_batch')
        for name, cell in first.items()
        if name not in BASELINES
    }
    own = sorted({size for size in sizes.values() if size})
    told = {
        LABELED_ONLY: 'as many iterations',
        SAME_IMAGES: 'as many images drawn as by the method that draws most',
        SAME_LABELS: 'as many iterations and as many labeled images in each',
    }
    parts = [
        f'*{name}*: {words}, {first[name]["labeled_batch"]} labeled images '
        f'in a batch, {first[name]["iterations"]} iterations'
        for name, words in told.items()
        if first.get(name, {}).get('labeled_batch')
    ]
    if not parts or not own:
        return []
    return [
        f'- Baselines on labeled images alone (methods have '
        f'{" or ".join(map(str, own))} labeled images in a batch, beside '
        f'others): {"; ".join(parts)}. What a method gains over '
        f'*{SAME_LABELS if SAME_LABELS in first else LABELED_ONLY}* comes '
        'from unlabeled images.'
    ]


def budgets(cells: Sequence[dict]) -> list[str]:
    """A warning where runs that are compared differ in length."""
    found: dict[int, list[str]] = {}
    for cell in counting(cells):
        own = found.setdefault(cell['iterations'], [])
        if cell['method'] not in (*own, SAME_IMAGES):
            own.append(cell['method'])
    told = [
        f'{length} iterations: {", ".join(methods)}'
        for length, methods in sorted(found.items())
        if methods
    ]
    if len(told) < 2:
        return []
    return [
        f'- **Budgets are not equal**: {"; ".join(told)}. `--iterations` '
        'makes them so.'
    ]


def unequal(changes: dict[str, list[str]], base: str) -> list[str]:
    """Methods that differ in what is to be shared, and in what."""
    told = []
    for name, found in changes.items():
        if name in BASELINES:
            continue
        parts = list(
            dict.fromkeys(filter(None, map(shared_part, map(key_of, found))))
        )
        if parts:
            told.append(f'{name} ({", ".join(parts)})')
    if not told:
        return []
    return [
        f'- **Not all else is equal**: these differ from {base} in '
        f'more than the method: {"; ".join(told)}. See "Configs against the '
        'shared base".'
    ]


def shared_part(key: str) -> str | None:
    """What is to be shared that a setting belongs to, if it does."""
    if key.endswith('.end'):  # of a schedule: follows from the length
        return None
    found = (words for start, words in SHARED.items() if key.startswith(start))
    return next(found, None)


def key_of(change: str) -> str:
    """The setting that a line of changes is about."""
    if change[:2] in ('+ ', '- '):
        return change[2:].split(' = ')[0]
    return change.split(': ')[0]
