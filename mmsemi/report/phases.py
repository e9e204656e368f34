"""Results of mutual training as a table."""

from collections.abc import Sequence

PATTERNS = dict(mIoU='{:.2f}', kept='{:.1%}', accuracy='{:.1%}')


def phase_table(results: Sequence[dict], models: Sequence[str]) -> str:
    """A Markdown table with a row for each phase.

    Args:
        results: one for each phase and model, with ``phase``, ``model`` and
            whatever is known of ``portion``, ``mIoU``, ``kept`` and
            ``accuracy``.
        models: names of the models, in the order of the columns.
    """
    known = {(r['phase'], r['model']): r for r in results}
    columns = [(model, key) for model in models for key in PATTERNS]
    rows = [
        ['phase', 'portion']
        + [f'{key} {model.upper()}' for model, key in columns]
    ]
    rows.append(['---'] * len(rows[0]))
    for phase in sorted({phase for phase, _ in known}):
        portion = known[phase, models[0]].get('portion')
        rows.append(
            [str(phase), _cell(portion, '{:.0%}')]
            + [
                _cell(known[phase, model].get(key), PATTERNS[key])
                for model, key in columns
            ]
        )
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def _cell(value: float | None, pattern: str) -> str:
    return '-' if value is None else pattern.format(value)
