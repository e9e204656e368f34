"""Comparisons beside a Markdown page, and the page's list of them.

Reports lie in ``comparisons/<name>/`` beside the page. What the page says of
them follows from their ``comparison.json`` alone and stands between two
comments; the rest of the page is left as it is.
"""

from pathlib import Path

from mmsemi.io.files import read_json, write_bytes, write_text
from mmsemi.utils.errors import UsageError

from .comparison_answer import headline
from .comparison_figures import figures
from .comparison_files import NAME, origin
from .comparison_tables import result_table, tables_of

FOLDER = 'comparisons'
BEGIN, END = '<!-- comparisons -->', '<!-- end of comparisons -->'
KINDS = ('md', 'csv', 'json', 'png')


def publish(folder: Path, page: Path) -> None:
    """Copy the report of a comparison beside a page, and list it there.

    Args:
        folder: of the comparison, with its report.
        page: Markdown; made if it is missing.

    Raises:
        UsageError: if the page has no place for the list, or a report of
            other runs has the same name.
    """
    check_page(page)
    name = folder.resolve().name
    place = page.parent / FOLDER / name
    check_same(folder, place)
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


def check_same(folder: Path, place: Path) -> None:
    """Stop where a published report would be lost.

    Raises:
        UsageError: if it has runs that the comparison has not.
    """
    told, own = runs(place), runs(folder)
    if not told <= own:
        raise UsageError(
            f'{place} has runs, such as {"/".join(min(told - own))}, that '
            f'{folder} has not. Give one of the two folders another name'
        )


def runs(folder: Path) -> set[tuple[str, ...]]:
    """What tells the runs of a report apart."""
    cells = read_json(folder / f'{NAME}.json').get('cells') or []
    keys = ('method', 'split', 'seed', 'setting')
    return {tuple(str(cell[key]) for key in keys) for cell in cells}


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
    content, place = read_json(path), f'{FOLDER}/{path.parent.name}'
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
