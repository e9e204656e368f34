"""Comparisons beside a Markdown page, and the page's list of them.

Reports lie in ``comparisons/<name>/`` beside the page. What the page says of
them follows from their ``comparison.json`` alone and stands between two
comments; the rest of the page is left as it is.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmsemi.io.files import read_json, write_bytes, write_text
from mmsemi.utils.errors import UsageError

from .comparison import read_cells
from .comparison_answer import headline
from .comparison_figures import figures
from .comparison_files import NAME, origin
from .comparison_tables import result_table, tables_of

FOLDER = 'comparisons'
BEGIN, END = '<!-- comparisons -->', '<!-- end of comparisons -->'
# The first says what is published, also when the others are not there yet.
KINDS = ('json', 'md', 'csv', 'png')
# What tells the runs of a report apart.
RUN_KEYS = ('method', 'split', 'seed', 'setting')
# What does not change of a run.
KEPT = ('lists', 'iterations', 'miou')


def publish(folder: Path, page: Path) -> None:
    """Copy the report of a comparison beside a page, and list it there.

    Args:
        folder: of the comparison, with its report.
        page: Markdown; made if it is missing.

    Raises:
        UsageError: if the page has no place for the list, or a report of
            another comparison has the same name.
    """
    check_page(page)
    check_same(folder, page)
    name = folder.resolve().name
    for kind in KINDS:
        told = folder / f'{NAME}.{kind}'
        if told.is_file():  # nothing is drawn where there is no result
            target = f'{FOLDER}/{name}/{told.name}'
            write_bytes(page.parent, target, told.read_bytes())
    write_text(page.parent, page.name, with_list(page))


def check_page(page: Path) -> None:
    """Stop where the list has no place.

    Raises:
        UsageError: as said.
    """
    if page.is_dir():
        raise UsageError(f'--publish {page} is a folder. Name a page in it')
    if not page.exists():
        return
    text = page.read_text('utf-8')
    if not 0 <= text.find(BEGIN) < text.find(END):
        raise UsageError(
            f'--publish {page}: the page has no place for comparisons. Put '
            f'the lines {BEGIN} and {END} where they belong'
        )


def check_same(folder: Path, page: Path, complete: bool = True) -> None:
    """Stop where a published report would be lost.

    Args:
        folder: of the comparison.
        page: it is to be published on.
        complete: whether its runs have been run; before, only what they are
            to be of is looked at.

    Raises:
        UsageError: if the report of this name cannot be read, has runs that
            the comparison has not, is of other images or another length, or
            has other results.
    """
    name = folder.resolve().name
    place = page.parent / FOLDER / name
    if not any((place / f'{NAME}.{kind}').exists() for kind in KINDS):
        return
    own = by_run(read_cells(folder))
    for run, told in by_run(report_of(place)['cells']).items():
        if run in own:
            what = next(departures(told, own[run], complete), None)
        elif complete:
            method, split, seed, _ = run
            what = (
                f'runs, such as {method}, {split}, seed {seed}, that '
                'this one has not'
            )
        else:
            what = None
        if what:
            raise UsageError(
                f'--publish {page}: another {name} is published with {what}. '
                f'Give {folder} another name, or move {place} away'
            )


def departures(told: dict, own: dict, results: bool) -> Iterator[str]:
    """In what a published run is not that of a comparison.

    Args:
        told: record of the published run.
        own: of the run of the same method, split and seed.
        results: whether its result counts, too; that of a run that is over
            never changes.
    """
    hashes = [
        {role: part['sha256'] for role, part in cell['lists'].items()}
        for cell in (told, own)
    ]
    for role in hashes[0]:
        if hashes[0][role] != hashes[1].get(role):
            yield f'other {role} images'
    for word, before, now in (
        ('{} iterations', told['iterations'], own['iterations']),
        ('resolution {}', *(_resolution(cell) for cell in (told, own))),
    ):
        if before != now:
            yield f'{word.format(before)}, and {now} now'
    if results and told['miou'] is not None and told['miou'] != own['miou']:
        now = 'none' if own['miou'] is None else own['miou']
        yield f'mIoU {told["miou"]}, and {now} now'


def _resolution(cell: dict) -> str | None:
    return (cell.get('evaluation') or {}).get('resolution')


def by_run(cells: Sequence[dict]) -> dict[tuple, dict]:
    """Records of runs by what tells them apart."""
    return {tuple(cell[key] for key in RUN_KEYS): cell for cell in cells}


def report_of(place: Path) -> dict[str, Any]:
    """Content of a published ``comparison.json``.

    Raises:
        UsageError: if it cannot be read.
    """
    content = read_json(place / f'{NAME}.json')
    cells = content.get('cells')
    whole = isinstance(cells, list) and all(
        isinstance(c, dict) and {*RUN_KEYS, *KEPT} <= c.keys() for c in cells
    )
    if not whole or not cells:
        raise UsageError(
            f'{place / NAME}.json cannot be read, so nobody knows what is '
            f'published there. Restore it, or move {place} away'
        )
    return content


def with_list(page: Path) -> str:
    """The page, with a list of what lies beside it now."""
    text = f'# Results\n\n{BEGIN}\n{END}\n'
    if page.exists():
        text = page.read_text('utf-8')
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f'{before}{BEGIN}\n\n{listed(page.parent)}\n\n{END}{after}'


def listed(beside: Path) -> str:
    """The list of the comparisons in a folder's ``comparisons``."""
    found = sorted((beside / FOLDER).glob(f'*/{NAME}.json'))
    lines = [line for path in found for line in entry(path)]
    return '\n'.join(lines).strip()


def entry(path: Path) -> list[str]:
    """Lines that tell of a comparison."""
    content, place = report_of(path.parent), f'{FOLDER}/{path.parent.name}'
    links = [
        f'[all tables]({place}/{NAME}.md)',
        f'[every run]({place}/{NAME}.csv)',
    ]
    if (path.parent / 'README.md').exists():
        links.insert(0, f'[what it is worth]({place}/README.md)')
    lines = [f'### {path.parent.name}', '']
    cells = content['cells']
    made = origin(cells, content['manifest'])
    lines += [f'{made}: {", ".join(links)}.', '']
    # Of its runs, as tables may be told otherwise than when it was written.
    found = figures(cells)
    lines += headline(found, cells, content['changes'])
    for title, rows in tables_of(found):
        lines += [f'{title}, mIoU of the last checkpoint:', '']
        lines += [*result_table(rows), '']
    return lines
