"""Published comparisons say what their runs gave."""

import json

import pytest

from mmsemi.report.comparison_figures import figures
from tests.conftest import ROOT

PAGE = ROOT / 'docs/results.md'
FOLDERS = sorted((ROOT / 'docs/comparisons').iterdir())


@pytest.mark.parametrize('folder', FOLDERS, ids=[f.name for f in FOLDERS])
def test_reports_say_what_the_runs_gave(folder) -> None:
    """Each mean of the report and of the page follows from the runs.

    How they are laid out may be that of an earlier version.
    """
    content = json.loads((folder / 'comparison.json').read_text('utf-8'))
    report = (folder / 'comparison.md').read_text('utf-8')
    page = PAGE.read_text('utf-8')
    own = page.split(f'### {folder.name}\n')[1].split('\n### ')[0]
    found = figures(content['cells'])
    assert found['splits']
    for split, rows in found['splits'].items():
        told = content['figures']['splits'][split]
        assert set(told) == set(rows)
        for name, row in rows.items():
            assert told[name]['values'] == row['values']
            assert told[name]['mean'] == pytest.approx(row['mean'])
            for text in (report, own):
                assert any(
                    name in line and f'| {row["mean"]:.2f} |' in line
                    for line in text.splitlines()
                )
