"""What is written about the configs follows from them and from results."""

import importlib.util
import json
import re

import pytest

from tests.conftest import ROOT

SPEC = importlib.util.spec_from_file_location(
    'generate_metafiles', ROOT / 'docs/generate_metafiles.py'
)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)
FOLDERS = tool.folders()


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)
def test_metafiles_are_fresh(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    written = (folder / 'metafile.yml').read_text(encoding='utf-8')
    assert written == tool.metafile(folder), (
        'run `python docs/generate_metafiles.py`'
    )


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)
def test_tables_do_not_contradict_what_was_measured(folder) -> None:
    found = tool.measured()
    for line in (folder / 'README.md').read_text().splitlines():
        names = re.findall(r'\]\(([^)/]+)\.py\)', line)
        if not line.startswith('|') or not names:
            continue
        status = line.rstrip(' |').split('|')[-1]
        for name in names:
            if f'{folder.name}/{name}' in found:
                assert 'not trained' not in status, line
            else:
                assert 'measured' not in status.replace('not measured', '')


def test_results_say_how_they_were_made() -> None:
    for result in json.loads((ROOT / 'docs/results.json').read_text()):
        assert (ROOT / f'configs/{result["config"]}.py').is_file()
        assert f'configs/{result["config"]}.py' in result['command']
        assert result['mean'] == pytest.approx(
            sum(result['seeds']) / len(result['seeds']), abs=0.051
        )
        assert re.fullmatch(r'\d{4}-\d\d-\d\d', result['date'])
        assert result['machine'] and result['metric']
