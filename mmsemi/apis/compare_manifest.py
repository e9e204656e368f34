"""What a comparison needs to be made again: commands, versions, hashes."""

import hashlib
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from mmsemi.io.files import read_json, write_json
from mmsemi.report.comparison import MANIFEST
from mmsemi.report.facts import machine_facts, version_facts

from .compare_cells import Cell
from .compare_methods import Method


def command_line(
    methods: Sequence[str], options: dict[str, Sequence], bare: bool
) -> str:
    """The command that makes a comparison again.

    Args:
        methods: configs.
        options: values by the names of options; those without are left out.
        bare: without baselines.
    """
    words = ['mmsemi', 'compare', *methods]
    for name, values in options.items():
        given = list(map(str, values))
        if given[:1] and given[0].startswith('-'):  # else taken for an option
            words += [f'--{name}={given[0]}', *given[1:]]
        elif given:
            words += [f'--{name}', *given]
    return shlex.join(words + ['--no-baselines'] * bare)


def note(
    folder: Path, command: str, rows: Sequence[Method], cells: Sequence[Cell]
) -> None:
    """Add a command to the manifest, with what it needs to run again.

    Whoever calls holds the lock on the folder.

    Args:
        folder: of the comparison.
        command: as :func:`command_line` gives it.
        rows: methods and baselines.
        cells: with their configs in place.
    """
    manifest = read_json(folder / MANIFEST)
    machine = machine_facts()
    commands = manifest.get('commands', [])
    known = [c for c in commands if c['command'] == command]
    if not known:
        commands.append(
            dict(
                command=command,
                date=time.strftime('%Y-%m-%d'),
                machine=f'{machine["gpu"] or machine["cpu"]}, '
                f'{machine["cores"]} CPU cores',
            )
        )
    write_json(
        folder,
        MANIFEST,
        dict(
            commands=commands,
            versions=version_facts(),
            machine=machine,
            methods=manifest.get('methods', {})
            | {
                row.name: dict(
                    config=row.config,
                    role=row.role,
                    iterations=row.iterations,
                    images_drawn=row.images,
                    labeled_drawn=row.labeled,
                )
                for row in rows
            },
            cells=manifest.get('cells', {})
            | {
                str(cell.folder.relative_to(folder)): hashlib.sha256(
                    cell.config.read_bytes()
                ).hexdigest()
                for cell in cells
            },
        ),
    )
