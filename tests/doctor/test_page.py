"""Findings as a page: the same data as in text and JSON."""

import html
import re

import numpy as np
import pytest
from PIL import Image

from mmsemi.apis import doctor
from mmsemi.cli import main
from mmsemi.utils.errors import UsageError
from tests.prepare import own_folders as own
from tests.prepare.own_folders import lookup, masks, put


def folders(root) -> list[str]:
    own.images(root)
    masks(root, lookup(0, 1, 2))
    return [str(root / 'images'), str(root / 'masks')]


def test_a_page_says_what_the_text_says(tmp_path, capsys) -> None:
    given = folders(tmp_path)
    put(tmp_path / 'images/<b>&.png', np.zeros((9, 9), np.uint8))
    page = tmp_path / 'look.html'
    main('doctor', [*given, '--classes', 'x,<i>y,z', '--html', str(page)])
    text = capsys.readouterr().out
    content = page.read_text()
    findings = doctor(*given, classes='x,<i>y,z').findings
    assert len(findings) > 3
    for finding in findings:
        assert finding.sentence in text
        assert html.escape(finding.sentence).replace('&#x27;', '&#39;') in (
            content
        )
    assert '<i>y' not in content and '&lt;i&gt;y' in content
    shares = re.findall(r'<td>(\d+\.\d\d)\u00a0?\s?%</td>', content)
    assert abs(sum(map(float, shares)) - 100) < 0.1
    for outside in ('<script', 'http://', 'https://', 'src="/'):
        assert outside not in content
    found = re.search(r'width="(\d+)" height="(\d+)"', content)
    sheet = tmp_path / 'out/masks.png'
    main('doctor', [*given, '--out', str(sheet.parent), '--html', str(page)])
    assert Image.open(sheet).size == tuple(map(int, found.groups()))


def test_a_page_of_what_cannot_be_read(tmp_path) -> None:
    """No classes and no sheet then."""
    given = folders(tmp_path)
    for name in 'ab':
        (tmp_path / f'masks/{name}.png').write_bytes(b'no image')
    doctor(*given, html=str(tmp_path / 'look.html'))
    content = (tmp_path / 'look.html').read_text()
    assert '2 things to put right before training' in content
    assert '<table' not in content and '<img' not in content


def test_no_file_of_others_is_replaced(tmp_path) -> None:
    given = folders(tmp_path)
    other = tmp_path / 'other.html'
    other.write_text('<p>mine</p>')
    with pytest.raises(UsageError, match=r'other.html: this file is no page'):
        doctor(*given, html=str(other))
    assert other.read_text() == '<p>mine</p>'
    with pytest.raises(UsageError, match='where your data are'):
        doctor(*given, html=str(tmp_path / 'masks/look.html'))
    with pytest.raises(UsageError, match='this is a folder. Name a file'):
        doctor(*given, html=str(tmp_path))
