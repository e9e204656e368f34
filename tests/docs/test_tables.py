"""Tables of configs and results follow from configs and results."""

import importlib.util

from tests.conftest import ROOT

SPEC = importlib.util.spec_from_file_location(
    'generate_tables', ROOT / 'docs/generate_tables.py'
)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)


def test_tables_are_fresh() -> None:
    pages = tool.pages()
    assert len(pages) > 15
    for path, text in pages.items():
        assert path.read_text(encoding='utf-8') == text, (
            f'{path}: run `python docs/generate_tables.py`'
        )


def test_numbers_are_filled_in_and_words_stay() -> None:
    page = (
        'text\n\n'
        '| config | labeled | iterations | what | status |\n'
        '|---|---|---|---|---|\n'
        '| [camvid_1-16](camvid_1-16.py) | 1 | 7, ours | 3 | so-so |\n'
        '| [a](camvid_1-16.py), [b](camvid_1-16.py) | 1 | 2 | 3 | - |\n'
    )
    found = tool.filled(page, 'u2pl').split('\n')
    assert found[4].startswith(
        '| [camvid_1-16](camvid_1-16.py) | 23 | 7, ours | 3 | so-so, measured:'
    )
    assert (
        found[5:] == page.split('\n')[5:] and found[:4] == page.split('\n')[:4]
    )
