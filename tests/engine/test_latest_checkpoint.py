"""Which checkpoint a run goes on from."""

import pytest

from mmsemi.engine.checkpoints import newest_whole
from mmsemi.utils.errors import UsageError


def test_a_run_whose_only_checkpoint_is_gone_does_not_start_anew(tmp_path):
    """In silence days of training would seem to go on from somewhere."""
    assert newest_whole(tmp_path) is None  # stopped before the first
    (tmp_path / 'last_checkpoint').write_text('/somewhere/else/iter_7.pth')
    with pytest.raises(UsageError, match='Bring iter_7.pth back'):
        newest_whole(tmp_path, lambda _: None)
