"""Links and commands in the README and the documentation hold."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest

from mmsemi.cli.main import build_parser
from tests.conftest import ROOT

PAGES = sorted(
    path
    for pattern in ('*.md', 'docs/**/*.md', 'configs/*/README.md')
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)|<img src="([^"]+)"')
BLOCK = re.compile(r'^( *)```(?:bash|shell)\n(.*?)^ *```', re.M | re.S)
# Words that stand for something of the reader's.
PLACEHOLDER = re.compile(r'\b[A-Z][A-Z_]{2,}\b')


def anchors(path: Path) -> set[str]:
    """What headings of a page are called in links."""
    headings = re.findall(r'^#+ (.*)$', path.read_text('utf-8'), re.M)
    return {
        re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
        for heading in headings
    }


def commands(path: Path) -> list[str]:
    """Lines of the shell blocks of a page, continued ones joined."""
    found = []
    for _, block in BLOCK.findall(path.read_text('utf-8')):
        for line in block.replace('\\\n', ' ').splitlines():
            found += [part.strip() for part in line.split('&&')]
    return [line for line in found if line and not line.startswith('#')]


def words_of(line: str) -> list[str]:
    return shlex.split(line, comments=True)


def test_pages_are_found() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in PAGES}
    assert {'README.md', 'docs/results.md', 'configs/u2pl/README.md'} <= names


@pytest.mark.parametrize(
    'page', PAGES, ids=[p.relative_to(ROOT).as_posix() for p in PAGES]
)
def test_links_lead_somewhere(page: Path) -> None:
    for match in LINK.finditer(page.read_text('utf-8')):
        target = match[1] or match[2]
        if re.match(r'https?://|mailto:', target):
            continue
        name, _, anchor = target.partition('#')
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f'{target}: no such file'
        assert ROOT in (path, *path.parents), f'{target} leaves the project'
        if anchor:
            assert anchor in anchors(path), f'{target}: no such heading'


@pytest.mark.parametrize(
    'page', PAGES, ids=[p.relative_to(ROOT).as_posix() for p in PAGES]
)
def test_commands_are_understood(page: Path) -> None:
    for line in commands(page):
        words = words_of(line)
        if words[:1] == ['mmsemi']:
            understood(words[1:], line)
        elif words[:1] == ['python'] and words[1].endswith('.py'):
            script = ROOT / words[1]
            assert script.is_file(), f'{line}: no such script'
            text = script.read_text('utf-8')
            thin = re.search(r"main\('([\w-]+)'\)", text)
            if thin:
                understood([thin[1], *words[2:]], line)
            else:
                for word in words[2:]:
                    name = word.partition('=')[0]
                    known = not word.startswith('--') or name in text
                    assert known or name == '--help', f'{line}: {name}'
        for word in words:
            if word.startswith('configs/') and word.endswith('.py'):
                holds = PLACEHOLDER.search(word) or '$' in word or '{' in word
                assert holds or (ROOT / word).is_file(), f'{line}: {word}'


def understood(words: list[str], line: str) -> None:
    """Whether the parser takes the words."""
    if '--help' in words or any('$' in w or '...' in w for w in words):
        words = [words[0], '--help']
    try:
        build_parser().parse_args(words)
    except SystemExit as error:
        assert not error.code, f'{line}: not understood'


def test_the_readme_is_read_in_five_minutes() -> None:
    text = (ROOT / 'README.md').read_text('utf-8')
    assert len(text.splitlines()) <= 150
    headings = re.findall(r'^## (.*)$', text, re.M)
    wanted = [
        'Try it',
        'Your own data',
        'Methods',
        'Results',
        'How it fits MMSegmentation',
        'Documentation',
        'Installation',
        'Citation',
    ]
    assert [h for h in headings if h in wanted] == wanted


def test_the_reference_is_fresh() -> None:
    """``python docs/generate_reference.py`` writes what is there."""
    path = ROOT / 'docs' / 'generate_reference.py'
    spec = importlib.util.spec_from_file_location('generate_reference', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for page, text in module.pages().items():
        # Later versions of Python lay out the help of commands otherwise.
        if page.name == 'commands.md' and sys.version_info >= (3, 13):
            continue
        assert page.read_text('utf-8') == text, f'{page.name} is not fresh'
