import importlib.util
import subprocess
import sys
from importlib import metadata
from importlib.machinery import ModuleSpec

import pytest

from mmsemi import stack
from mmsemi.utils.errors import UsageError

EXTENSION = 'mmcv._ext'


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


def test_a_missing_part_is_that_of_the_stack_which_is_there(monkeypatch):
    pretend(monkeypatch, mmengine='0.10.7', mmsegmentation='1.2.2')
    with pytest.raises(ImportError, match='needs mmcv.* mmcv-lite==2.1.0'):
        stack.check_stack()


@pytest.mark.parametrize('torch', ['2.6.0+cpu', '2.13.0', '2.6.0a0+git1'])
def test_torch_may_be_newer(monkeypatch, recwarn, torch):
    pretend(monkeypatch, **OFFICIAL, torch=torch)
    stack.check_stack()
    assert not recwarn.list


def test_torch_that_is_too_old_is_said(monkeypatch):
    pretend(monkeypatch, **OFFICIAL, torch='2.1.2+cu118')
    with pytest.raises(ImportError, match='torch 2.6 or later, got 2.1.2'):
        stack.check_stack()


def test_an_untested_version_only_warns(monkeypatch):
    pretend(monkeypatch, **dict(ONEDL, onedl_mmcv='2.9.0'))
    with pytest.warns(UserWarning, match='onedl-mmcv 2.9.0'):
        stack.check_stack()


@pytest.fixture
def mmcv_of(monkeypatch, tmp_path):
    """A function that lets mmcv's folder have these files."""

    def have(*files):
        for name in files:
            (tmp_path / name).touch()
        spec = ModuleSpec('mmcv', None, is_package=True)
        spec.submodule_search_locations = [str(tmp_path)]
        find_spec = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util,
            'find_spec',
            lambda name: spec if name == 'mmcv' else find_spec(name),
        )

    monkeypatch.setitem(sys.modules, EXTENSION, None)
    del sys.modules[EXTENSION]
    return have


def test_an_operator_that_is_missing_says_so(monkeypatch, mmcv_of):
    from mmcv.utils.ext_loader import load_ext

    pretend(monkeypatch, **OFFICIAL)
    mmcv_of('__init__.py')
    stack.do_without_operators()
    operators = load_ext('_ext', ['ca_forward'])
    with pytest.raises(UsageError, match='ca_forward is an operator that'):
        operators.ca_forward(1, key=2)
    # How mmengine asks whether there are operators.
    assert importlib.util.find_spec(EXTENSION).loader is None


@pytest.mark.parametrize(
    'installed, files',
    [(OFFICIAL, ['__init__.py', '_ext.cpython-311.so']), (ONEDL, [])],
)
def test_operators_and_the_default_stack_are_left_alone(
    monkeypatch, mmcv_of, installed, files
):
    pretend(monkeypatch, **installed)
    mmcv_of(*files)
    stack.do_without_operators()
    assert EXTENSION not in sys.modules


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
