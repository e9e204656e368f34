"""All a report of a run on somebody's own data says, as plain data."""

from typing import Any

from mmsemi.evaluation.bootstrap import DRAWS, LEVEL

from ..tables import SUMMARY
from .advice import next_steps, warnings_of
from .before import BEFORE, compare_with_before
from .class_shares import class_shares
from .measured import Measured, measure
from .origin import as_words, commands, origin, quoted
from .pseudo_labels import AUDIT, audited
from .run_folder import PARTS, PLACES, RunFolder
from .tiles import tiles
from .training import panels, run_curves
from .verdict import cross_validation


def collect(run: RunFolder) -> dict[str, Any]:
    """Facts of a report; see the templates for what each is for.

    Raises:
        UsageError: if a file of the run is missing or damaged.
    """
    numbers = {part: len(run.names(part)) for part in PARTS}
    measured = measure(run, numbers['unlabeled'])
    summaries = {
        key: run.optional_json(f'{place}/{SUMMARY}')
        for key, place in PLACES.items()
    }
    shared = run.facts.get('shared', 0)
    curves = {
        key: run_curves(run, place, shared if key == 'method' else 0)
        for key, place in PLACES.items()
    }
    shares = class_shares(run)
    facts = dict(
        **origin(run),
        **measured.facts,
        classes=run.classes,
        numbers=numbers,
        folds=run.folds,
        cross_validation=cross_validation(run.folds, numbers['labeled']),
        measured_images=measured.number,
        level=LEVEL,
        draws=DRAWS,
        tiles=tiles(
            *(numbers, measured.facts, _seconds(run)),
            *(run.folds, bool(shared)),
        ),
        warnings=[str(text) for text in run.facts.get('warnings', [])]
        + warnings_of(
            measured.facts['rows'],
            measured.number,
            measured.dead,
            measured.lost,
            summaries,
            shared,
        ),
        pseudo_labels=audited(
            run.optional_json(f'{PLACES["method"]}/{AUDIT}'),
            summaries['method'],
        ),
        curves=panels(curves),
        findings=[
            dict(severity=f['severity'], sentence=f['sentence'])
            for f in run.facts.get('findings', [])
        ],
        shares=shares['rows'],
        unknown_share=shares['unknown'],
        settings=[
            dict(
                name=s['name'],
                value=as_words(s['value']) or 'none',
                reason=s.get('reason') or '',
            )
            for s in run.facts.get('settings', [])
        ],
        steps=_steps(run, measured, shares['rows'], curves['method']),
        commands=commands(run),
    )
    before = compare_with_before(run.optional_json(BEFORE), facts)
    return dict(facts, before=before)


def _seconds(run: RunFolder) -> dict[str, list[float]]:
    """How long each training of a run took, those of folds included."""
    found: dict[str, list[float]] = {key: [] for key in PLACES}
    for folder in dict.fromkeys([run.path, *(p for p, _ in run.measured())]):
        for key, place in PLACES.items():
            name = folder.relative_to(run.path) / place / SUMMARY
            summary = run.optional_json(str(name)) or {}
            if summary.get('wall_seconds'):
                found[key].append(summary['wall_seconds'])
    return found


def _steps(
    run: RunFolder, measured: Measured, shares: list, curves: dict
) -> list[dict[str, str]]:
    steps = next_steps(
        measured.facts['rows'],
        shares,
        measured.facts['mistakes'],
        measured.facts['means'].get('gain'),
        measured.number,
        curves,
        (run.path / 'label_next.csv').is_file()
        if run.names('unlabeled')
        else None,
        bool(run.folds),
    )
    steps = [
        dict(step, command=step.get('command', '').format(run=quoted(run)))
        for step in steps
    ]
    return [
        *steps,
        dict(
            title='Use the model',
            text='segmentor.pth and segmentor.py of this folder are a plain '
            'MMSegmentation model. Masks for other images, and a model for '
            'other programs:',
            command=f'mmsemi predict {quoted(run)} IMAGES --out DIR\n'
            f'mmsemi export {quoted(run)} --format onnx',
        ),
    ]
