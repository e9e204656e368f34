import pytest

from mmsemi.apis.test import test as run_test
from mmsemi.utils.errors import UsageError


@pytest.mark.parametrize('option', ['out', 'show_dir'])
def test_predictions_overwrite_no_files(tmp_path, option):
    (tmp_path / '0384.png').write_text('mine')
    with pytest.raises(UsageError, match='holds files'):
        run_test(
            'mean_teacher/shapes.py', 'any.pth', **{option: str(tmp_path)}
        )
    assert (tmp_path / '0384.png').read_text() == 'mine'
