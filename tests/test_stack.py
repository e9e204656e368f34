import subprocess
import sys
from importlib import metadata

import pytest

from mmsemi import stack


def pretend(monkeypatch, **versions):
    """Let exactly these distributions be installed."""
    versions = {name.replace('_', '-'): v for name, v in versions.items()}

    def version(name):
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, 'version', version)


ONEDL = dict(
    onedl_mmengine='0.10.12', onedl_mmcv='2.3.6', onedl_mmsegmentation='1.4.2'
)
OFFICIAL = dict(mmengine='0.10.7', mmcv='2.1.0', mmsegmentation='1.2.2')


@pytest.mark.parametrize(
    'name, installed',
    [
        ('onedl', ONEDL),
        ('openmmlab', OFFICIAL),
        (
            'openmmlab',
            dict(mmengine='0.10.7', mmcv_lite='2.1.0', mmsegmentation='1.2.2'),
        ),
    ],
)
def test_each_stack_is_recognized(monkeypatch, recwarn, name, installed):
    pretend(monkeypatch, **installed)
    stack.check_stack()
    assert stack.stack_name() == name
    assert not recwarn.list


def test_two_stacks_at_once_are_an_error(monkeypatch):
    pretend(monkeypatch, **ONEDL, mmengine='0.10.7')
    with pytest.raises(ImportError, match='same folders.*Uninstall'):
        stack.check_stack()


def test_a_missing_stack_says_what_to_install(monkeypatch):
    pretend(monkeypatch)
    with pytest.raises(ImportError, match='pip install "onedl-mmengine'):
        stack.check_stack()


def test_a_missing_part_is_named(monkeypatch):
    pretend(
        monkeypatch, onedl_mmengine='0.10.12', onedl_mmsegmentation='1.4.2'
    )
    with pytest.raises(ImportError, match='needs onedl-mmcv'):
        stack.check_stack()


def test_an_untested_version_only_warns(monkeypatch):
    pretend(monkeypatch, **dict(ONEDL, onedl_mmcv='2.9.0'))
    with pytest.warns(UserWarning, match='onedl-mmcv 2.9.0'):
        stack.check_stack()


@pytest.mark.slow
def test_models_import_in_a_new_process():
    subprocess.run(
        [sys.executable, '-c', 'import mmsemi, mmseg.models, mmsemi.models'],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def test_a_torchvision_for_another_torch_is_one_sentence(tmp_path):
    for name, text in dict(
        mmpretrain='',
        torchvision="raise RuntimeError('operator torchvision::nms is not')",
    ).items():
        (tmp_path / f'{name}.py').write_text(text)
    done = subprocess.run(
        [
            sys.executable,
            '-c',
            f'import sys; sys.path.insert(0, {str(tmp_path)!r}); '
            'import mmsemi',
        ],
        capture_output=True,
        text=True,
    )
    assert 'ImportError: the installed torchvision' in done.stderr
    assert '(operator torchvision::nms is not)' in done.stderr
