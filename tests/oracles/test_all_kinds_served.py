"""Every oracle file belongs to a kind that a test consumes."""

import re
from pathlib import Path

from tests.oracles.kinds import KINDS, kind_of


def test_no_file_is_left_out(oracle_dir):
    families = {p.name for p in oracle_dir.iterdir() if p.is_dir()}
    assert families <= set(KINDS), 'unknown oracle family'
    for family in families & set(KINDS):
        unknown = [
            p.name
            for p in (oracle_dir / family).glob('*.npz')
            if not kind_of(p, family)
        ]
        assert not unknown, f'no test consumes {family}: {unknown}'


def test_every_kind_has_a_test():
    """A kind is consumed by a test that asks for its files by name."""
    here = Path(__file__).parent
    text = '\n'.join(p.read_text() for p in here.glob('test_*.py'))
    for family, kinds in KINDS.items():
        asked = set(re.findall(rf"'{family}',\s*'(\w+)'", text))
        for listed in re.findall(r"parametrize\('kind', \[([^]]*)]", text):
            asked |= set(re.findall(r'\w+', listed))
        assert set(kinds) <= asked, set(kinds) - asked
