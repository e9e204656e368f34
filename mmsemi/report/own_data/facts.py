"""All a report of a run on somebody's own data says, as plain data."""

import shlex
from typing import Any

import numpy as np

from mmsemi.evaluation.bootstrap import DRAWS, LEVEL, count_array
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import format_seconds

from ..scalars import Curve, read_run
from ..tables import SUMMARY
from .advice import next_steps, warnings_of
from .before import BEFORE, compare_with_before
from .class_shares import class_shares
from .mistakes import matrix_rows, never_found, shown_classes, worst_mistakes
from .pseudo_labels import AUDIT, audited, by_confidence
from .run_folder import HOLDOUT, PARTS, RunFolder
from .verdict import class_rows, judge, points, tally

PLACES = dict(method='train', twin='twin')
PANELS = (
    ('mIoU', 'Mean IoU on the hold-out, %'),
    ('loss_sup_ce', 'Loss on labeled images'),
    ('loss_unsup', 'Loss on unlabeled images'),
    ('confident_ratio', 'Share of unlabeled pixels that are learned from'),
    ('pseudo_label_accuracy', 'Share of pseudo-labels that are right'),
)


def collect(run: RunFolder) -> dict[str, Any]:
    """Facts of a report; see the templates for what each is for.

    Raises:
        UsageError: if a file of the run is missing or damaged.
    """
    holdout = run.optional_json(HOLDOUT) or {}
    counts = {
        key: count_array(holdout[key]['per_image'])
        for key in PLACES
        if holdout.get(key)
    }
    numbers = {part: len(run.names(part)) for part in PARTS}
    method = counts.get('method', np.zeros((0, 3, len(run.classes)), np.int64))
    verdict, scores, found = judge(
        method, counts.get('twin'), numbers['unlabeled']
    )
    best = verdict.recommended
    rows = class_rows(run.classes, method, scores, found) if counts else []
    confusion = holdout[best]['confusion'] if counts else []
    summaries = {
        key: run.optional_json(f'{place}/{SUMMARY}')
        for key, place in PLACES.items()
    }
    curves = {key: _curves(run, place) for key, place in PLACES.items()}
    shares = class_shares(run)
    mistakes = worst_mistakes(confusion, run.classes) if counts else []
    means = dict(score=scores.mean._asdict())
    if found is not None:
        means.update(
            {key: part.mean._asdict() for key, part in found._asdict().items()}
        )
    dead = never_found(confusion, run.classes) if counts else []
    facts = dict(
        **_origin(run),
        verdict=verdict._asdict(),
        numbers=numbers,
        tiles=_tiles(numbers, means, best, summaries),
        level=LEVEL,
        draws=DRAWS,
        classes=run.classes,
        rows=rows,
        tally=tally(rows),
        absent=[row['name'] for row in rows if not row['images']],
        means=means,
        compared=found is not None,
        gain_verdict=found.gain.mean.verdict if found else None,
        warnings=[str(w) for w in run.facts.get('warnings', [])]
        + warnings_of(
            rows, len(method), dead, _lost(holdout, run.classes), summaries
        ),
        matrix=_matrix(confusion, run.classes) if counts else None,
        mistakes=mistakes,
        pseudo_labels=audited(
            run.optional_json(f'train/{AUDIT}'), summaries['method']
        ),
        trust=by_confidence(holdout['method']['confidence'], run.classes)
        if counts and holdout['method'].get('confidence')
        else None,
        curves=_panels(curves),
        findings=[
            dict(severity=f['severity'], sentence=f['sentence'])
            for f in run.facts.get('findings', [])
        ],
        shares=shares['rows'],
        unknown_share=shares['unknown'],
        settings=[
            dict(
                name=s['name'],
                value=_words(s['value']),
                reason=s.get('reason') or '',
            )
            for s in run.facts.get('settings', [])
        ],
        steps=_steps(
            run,
            next_steps(
                verdict,
                rows,
                shares['rows'],
                mistakes,
                means.get('gain'),
                len(method),
                curves['method'],
                (run.path / 'label_next.csv').is_file(),
            ),
        ),
        commands=_commands(run),
        holdout_names=sorted(holdout.get('method', {}).get('per_image', {})),
    )
    before = compare_with_before(run.optional_json(BEFORE), facts)
    return dict(facts, before=before)


def _origin(run: RunFolder) -> dict[str, Any]:
    from mmsemi.version import __version__

    facts = run.facts
    named = dict(
        date=facts.get('date'),
        mmsemi=facts.get('version') or facts.get('mmsemi'),
        torch=facts.get('torch'),
        seed=facts.get('seed'),
        images=facts.get('images'),
        masks=facts.get('masks'),
        machine=_words(facts.get('machine')),
        versions=_words(facts.get('versions')),
    )
    return dict(
        title=run.path.resolve().name,
        version=__version__,
        date=facts.get('date'),
        origin=[
            dict(name=name, value=str(value))
            for name, value in named.items()
            if value not in (None, '')
        ],
    )


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ', '.join(
            f'{key} {entry}' for key, entry in value.items() if entry
        )
    if isinstance(value, (list, tuple)):
        return ', '.join(map(str, value))
    return '' if value is None else str(value)


def _tiles(
    numbers: dict[str, int], means: dict, best: str, summaries: dict
) -> list[dict[str, Any]]:
    tiles = [
        dict(
            name='images',
            value=str(sum(numbers.values())),
            more=f'{numbers["labeled"]} labeled, {numbers["holdout"]} held '
            f'out, {numbers["unlabeled"]} unlabeled',
        )
    ]
    score = means['score']
    if score['value'] is not None:
        tiles.append(
            dict(
                name='mean IoU',
                value=f'{score["value"]:.1f} %',
                more='of the recommended model',
            )
        )
    gain = means.get('gain')
    if gain and gain['value'] is not None:
        more = 'interval unknown'
        if gain['low'] is not None:
            more = f'{points(gain["low"])} to {points(gain["high"])} points'
        tiles.append(
            dict(
                name='gain by unlabeled images',
                value=points(gain['value']),
                more=more,
                tone=_tone(gain),
            )
        )
    seconds = {
        key: summary['wall_seconds']
        for key, summary in summaries.items()
        if summary and summary.get('wall_seconds')
    }
    if seconds:
        words = f'{format_seconds(seconds["twin"])} for labeled only' * (
            'twin' in seconds
        )
        main = seconds.get('method', next(iter(seconds.values())))
        tiles.append(
            dict(
                name='training time',
                value=format_seconds(main),
                more=f'and {words}' if words else '',
            )
        )
    return [dict(dict(tone=''), **tile) for tile in tiles]


def _tone(gain: dict) -> str:
    if gain['low'] is None or gain['low'] <= 0 <= gain['high']:
        return 'open'
    return 'better' if gain['low'] > 0 else 'worse'


def _lost(holdout: dict, classes: list[str]) -> list[str]:
    """Classes that the twin finds and the method does not."""
    if not (holdout.get('method') and holdout.get('twin')):
        return []
    dead = {
        key: never_found(holdout[key]['confusion'], classes) for key in PLACES
    }
    return [name for name in dead['method'] if name not in dead['twin']]


def _matrix(confusion: list, classes: list[str]) -> dict[str, Any]:
    columns = shown_classes(confusion)
    rows = [
        dict(row, id=classes.index(row['name']))
        for row in matrix_rows(confusion, classes)
    ]
    return dict(
        columns=columns,
        rows=[row for row in rows if row['id'] in columns],
        left_out=sum(any(r) for r in confusion) > len(columns),
    )


def _curves(run: RunFolder, place: str) -> dict[str, Curve]:
    try:
        return read_run(str(run.path / place))
    except UsageError:  # nothing was logged: the page goes without
        return {}


def _panels(curves: dict[str, dict[str, Curve]]) -> list[dict[str, Any]]:
    panels = []
    for key, title in PANELS:
        lines = []
        for name, run in curves.items():
            # Of two networks the one that predicts.
            for full in (key, f'teacher/{key}', f'student/{key}'):
                if full in run:
                    curve = run[full]
                    lines.append((name, curve.steps, curve.values))
                    break
        if lines:
            panels.append(dict(title=title, lines=lines, points=key == 'mIoU'))
    return panels


def _steps(run: RunFolder, steps: list[dict]) -> list[dict]:
    steps = [
        dict(step, command=step.get('command', '').format(run=quoted(run)))
        for step in steps
    ]
    steps.append(
        dict(
            title='Use the model',
            text='segmentor.pth and segmentor.py of this folder are a plain '
            'MMSegmentation model. Masks for other images, and a model for '
            'other programs:',
            command=f'mmsemi predict {quoted(run)} IMAGES --out DIR\n'
            f'mmsemi export {quoted(run)} --format onnx',
        )
    )
    return steps


def quoted(run: RunFolder) -> str:
    """The run's folder as a shell takes it."""
    return shlex.quote(str(run.path))


def _commands(run: RunFolder) -> list[dict[str, str]]:
    folder = shlex.quote(str(run.path / 'config.py'))
    twin = shlex.quote(str(run.path / 'twin.py'))
    commands = []
    if run.facts.get('command'):
        commands.append(
            dict(
                what='All of it, with the same images and masks:',
                command=str(run.facts['command']),
            )
        )
    again = f'mmsemi train {folder}'
    if (run.path / 'twin.py').is_file():
        again += f'\nmmsemi train {twin}'
    commands.append(
        dict(what='The training alone, from its config:', command=again)
    )
    commands.append(
        dict(what='This page:', command=f'mmsemi report {quoted(run)}')
    )
    return commands
