"""Configs of packages by name, and bases that import modules."""

import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmsemi.io import package_configs
from mmsemi.io.config_loading import extend_config_loading
from mmsemi.io.package_configs import config_file, nearest
from mmsemi.utils.errors import UsageError


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f'{name}.py').write_text(text)
    return folder / f'{list(files)[-1]}.py'


def test_a_base_of_mmseg_is_found_whatever_its_distribution_is_called(
    tmp_path,
):
    path = write(
        tmp_path,
        mine="_base_ = ['mmseg::_base_/models/pspnet_r50-d8.py']\n"
        'model = dict(decode_head=dict(num_classes=5))\n',
    )
    cfg = Config.fromfile(path)
    assert cfg.model.backbone.type == 'ResNetV1c'
    assert cfg.model.decode_head.num_classes == 5
    # As mmengine marks what comes from another package.
    assert cfg.model['_scope_'] == 'mmseg'


def test_a_config_of_mmseg_is_read_by_its_name_with_or_without_suffix():
    name = 'mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512'
    for cfg in (Config.fromfile(name), Config.fromfile(f'{name}.py')):
        assert cfg.model.backbone.type == 'MixVisionTransformer'
        assert Path(cfg.filename).is_file()


def test_plain_paths_are_left_alone(tmp_path):
    path = write(tmp_path, base='a = 1\n', mine="_base_ = 'base.py'\nb = 2\n")
    cfg = Config.fromfile(path)
    assert (cfg.a, cfg.b) == (1, 2)
    assert config_file('configs/dst_cbc/shapes.py') == (
        'configs/dst_cbc/shapes.py'
    )


def test_our_own_configs_are_found_in_a_clone():
    file = Path(config_file('mmsemi::_base_/default_runtime.py'))
    assert file.is_file()


def test_a_misspelled_config_names_the_nearest():
    with pytest.raises(
        UsageError,
        match=r'mmseg has no such config. Did you mean '
        r'mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py',
    ):
        Config.fromfile(
            'mmseg::segformer/segformer_mitb0_8xb2-160k_ade20k-512x512.py'
        )
    folder = Path(config_file('mmseg::_base_/models/fcn_unet_s5-d16.py'))
    assert nearest(folder.parents[2], 'segformer_mit-b0.py') == (
        '_base_/models/segformer_mit-b0.py'
    )


@pytest.mark.parametrize(
    'stack, command',
    [
        ('onedl', '`pip install onedl-mmpretrain torchvision`, the extra'),
        ('openmmlab', '`pip install mmpretrain torchvision`'),
    ],
)
def test_what_to_install_belongs_to_the_stack(monkeypatch, stack, command):
    monkeypatch.setattr(package_configs, 'stack_name', lambda: stack)
    assert package_configs.install_hint('mmpretrain').startswith(command)


def test_a_missing_package_says_what_to_install(tmp_path):
    path = write(tmp_path, mine="_base_ = 'mmnowhere::a.py'\n")
    with pytest.raises(
        UsageError,
        match='config mmnowhere::a.py: mmnowhere is not installed. '
        'Install it with `pip install mmnowhere`',
    ):
        Config.fromfile(path)


BASES = dict(
    one="custom_imports = dict(imports='math', allow_failed_imports=True)\n",
    two="custom_imports = dict(imports=['cmath', 'math'])\n",
)


def test_imports_of_two_bases_are_joined(tmp_path):
    path = write(tmp_path, **BASES, mine="_base_ = ['one.py', 'two.py']\n")
    assert Config.fromfile(path).custom_imports == dict(
        imports=['math', 'cmath'], allow_failed_imports=False
    )


def test_imports_of_bases_and_of_the_file_itself_are_joined(tmp_path):
    path = write(
        tmp_path,
        **BASES,
        middle="_base_ = ['one.py', 'two.py']\n",
        three="custom_imports = dict(imports=['json'])\n",
        mine="_base_ = ['middle.py', 'three.py']\n"
        "custom_imports = dict(imports=['csv'])\n",
    )
    assert set(Config.fromfile(path).custom_imports.imports) == {
        'math',
        'cmath',
        'json',
        'csv',
    }


def test_a_file_with_one_base_overrides_its_imports_as_in_mmengine(tmp_path):
    path = write(
        tmp_path,
        two=BASES['two'],
        mine="_base_ = 'two.py'\ncustom_imports = dict(imports=['csv'])\n",
    )
    assert Config.fromfile(path).custom_imports.imports == ['csv']


def test_a_base_that_cannot_be_read_leaves_the_next_reading_clean(tmp_path):
    bad = write(
        tmp_path,
        **BASES,
        wrong='1 / 0\n',
        mine="_base_ = ['one.py', 'wrong.py']\n",
    )
    with pytest.raises(ZeroDivisionError):
        Config.fromfile(bad)
    assert Config.fromfile(tmp_path / 'two.py').custom_imports.imports == [
        'cmath',
        'math',
    ]


def test_extending_twice_changes_nothing():
    before = Config.fromfile, Config._file2dict, Config._get_cfg_path
    extend_config_loading()
    assert before == (Config.fromfile, Config._file2dict, Config._get_cfg_path)


def test_import_of_the_package_is_all_it_takes():
    done = subprocess.run(
        [
            sys.executable,
            '-c',
            'from mmengine.config import Config; import mmsemi; '
            "print(Config.fromfile('mmseg::_base_/models/fpn_r50.py')"
            '.model.neck.type)',
        ],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == 'FPN', done.stderr
