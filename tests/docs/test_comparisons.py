"""Published comparisons are as `mmsemi compare --publish` wrote them."""

import json

import pytest

from mmsemi.report.comparison_figures import figures
from mmsemi.report.comparison_files import csv_text
from mmsemi.report.comparison_tables import headline, result_table, tables_of
from mmsemi.report.published import with_list
from tests.conftest import ROOT

PAGE = ROOT / 'docs/results.md'
FOLDERS = sorted((ROOT / 'docs/comparisons').iterdir())


def test_the_list_is_fresh() -> None:
    assert PAGE.read_text('utf-8') == with_list(PAGE), (
        'run `mmsemi compare --report-only DIR --publish docs/results.md`'
    )


@pytest.mark.parametrize('folder', FOLDERS, ids=[f.name for f in FOLDERS])
def test_reports_say_what_the_runs_gave(folder) -> None:
    """Tables follow from the figures, these from the runs."""
    content = json.loads((folder / 'comparison.json').read_text('utf-8'))
    cells = content['cells']
    found = json.loads(json.dumps(figures(cells)))
    assert found == content['figures']
    text = (folder / 'comparison.md').read_text('utf-8')
    for _, rows in tables_of(found):
        assert '\n'.join(result_table(rows)) in text
    assert '\n'.join(headline(found, cells)) in text
    assert (folder / 'comparison.csv').read_text('utf-8') == csv_text(cells)
