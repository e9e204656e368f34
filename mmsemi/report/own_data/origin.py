"""Where a run comes from, and the commands that make it again."""

import shlex
from typing import Any

from .run_folder import RunFolder


def origin(run: RunFolder) -> dict[str, Any]:
    """Title, versions, date, seed and machine of a run."""
    from mmsemi.version import __version__

    facts = run.facts
    named = dict(
        date=facts.get('date'),
        mmsemi=facts.get('version') or facts.get('mmsemi'),
        torch=facts.get('torch'),
        seed=facts.get('seed'),
        images=facts.get('images'),
        masks=facts.get('masks'),
        machine=as_words(facts.get('machine')),
        versions=as_words(facts.get('versions')),
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


def as_words(value: Any) -> str:
    """A value of a setting or a fact as a person writes it."""
    if isinstance(value, dict):
        return ', '.join(
            f'{key} {entry}' for key, entry in value.items() if entry
        )
    if isinstance(value, (list, tuple)):
        return ', '.join(map(str, value))
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return '' if value is None else str(value)


def commands(run: RunFolder) -> list[dict[str, str]]:
    """What to type to have it all, the training or the page again."""
    found = []
    if run.facts.get('command'):
        # A finished run takes the same masks no second time.
        out = shlex.quote(f'{run.path.absolute()}-again')
        found.append(
            dict(
                what='All of it, with the same images and masks, into another '
                'folder:',
                command=f'{run.facts["command"]} --out {out}',
            )
        )
    again = f'mmsemi train {quoted(run, "config.py")}'
    if (run.path / 'twin.py').is_file():
        again = f'mmsemi train {quoted(run, "twin.py")}\n{again}'
    found.append(
        dict(what='The training alone, from its config:', command=again)
    )
    found.append(
        dict(what='This page:', command=f'mmsemi report {quoted(run)}')
    )
    return found


def quoted(run: RunFolder, file: str = '') -> str:
    """The run's folder, or a file in it, as a shell takes it anywhere."""
    return shlex.quote(str(run.path.absolute() / file))
