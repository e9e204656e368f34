"""What a person has after ``pip install``, outside any clone."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
# All that a training in rounds says: what libraries warn of is not for users.
OURS = re.compile(
    r"""
    | drawing\ the\ shapes\ set: .*
    | (labeled|unlabeled|val):\ \d+\ images,\ .*
    | (class\ weights|a\ step\ takes)\ .*
    | [/\d]+\ [:\d]+\ -\ mmengine\ -\ WARNING\ -\ round\ \d.*
    | round\ \d[:/ ].*
    | \s+class\ +predicted\ .*
    | \s+\w+\ +[\d.]+\ %\ .*
    | \s+(\w+\ [\d.]+\ \([\d.]+%\)(,\ )?)+  # class weights go on
    | [+|].*[+|]
    | Self-training\ (gains|loses|changes)\ .*
    | IoU\ of\ each\ class:\ .*
    | No\ pixel\ of\ .*
    | \ \ (summary|picture|round\ \d|segmentor)\ .*
    """,
    re.VERBOSE,
)


def run(*words, cwd, **environment):
    """Run a command without the clone in sight; what it prints."""
    kept = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=dict(kept, OMP_NUM_THREADS='1', **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """Built of the files a source archive would hold."""
    folder = tmp_path_factory.mktemp('wheel')
    names = subprocess.run(
        ['git', 'ls-files', '-z', '-co', '--exclude-standard'],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if names.returncode:
        pytest.skip('no clone: the files of the project cannot be listed')
    for name in filter(None, names.stdout.split('\0')):
        if name.startswith('tests/') or not (ROOT / name).is_file():
            continue
        copy = folder / 'source' / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    run(
        *(sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps'),
        *('--no-build-isolation', '--no-index', '-w', folder, '.'),
        cwd=folder / 'source',
    )
    (path,) = folder.glob('mmsemi-*.whl')
    return path


@pytest.fixture(scope='module')
def scripts(wheel, tmp_path_factory):
    """Commands of an environment with the wheel and nothing of the clone.

    Torch and the stack are those of the running Python: their folder is
    added, but links to clones in it have no effect there.
    """
    home = tmp_path_factory.mktemp('environment')
    run(sys.executable, '-m', 'venv', '--without-pip', home, cwd=home)
    python = home / 'bin/python'
    site = run(
        python,
        '-c',
        'import sysconfig; print(sysconfig.get_path("purelib"))',
        cwd=home,
    ).strip()
    folders = {sysconfig.get_path(key) for key in ('purelib', 'platlib')}
    Path(site, 'stack.pth').write_text('\n'.join(sorted(folders)))
    run(
        *(sys.executable, '-m', 'pip', '--python', python, 'install', '-q'),
        *('--no-deps', '--no-index', wheel),
        cwd=home,
    )
    where = run(
        python, '-c', 'import mmsemi; print(mmsemi.__file__)', cwd=home
    )
    assert where.startswith(site)
    return home / 'bin'


def test_contents(wheel) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ['git', 'ls-files', '-co', '--exclude-standard', 'configs', 'tools'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    present = {
        f'mmsemi/.mim/{name}' for name in tracked if (ROOT / name).is_file()
    }
    assert len(present) > 100 and present <= names
    assert {'mmsemi/.mim/model-index.yml', 'mmsemi/py.typed'} <= names
    pages = (ROOT / 'mmsemi/report/own_data/templates').iterdir()
    assert {
        f'mmsemi/report/own_data/templates/{p.name}' for p in pages
    } <= names
    assert not [n for n in names if 'tests' in n or n.endswith('.pyc')]
    index = zipfile.ZipFile(wheel).read('mmsemi/.mim/model-index.yml').decode()
    files = [line[2:] for line in index.splitlines()[1:]]
    assert files and {f'mmsemi/.mim/{name}' for name in files} <= names


def test_help(scripts, tmp_path) -> None:
    text = run(scripts / 'mmsemi', '--help', cwd=tmp_path)
    assert 'train' in text and 'infer' in text


def test_config_by_package_name(scripts, tmp_path) -> None:
    code = (
        'import mmsemi\n'
        'from mmengine.config import Config\n'
        'cfg = Config.fromfile("mmsemi::mean_teacher/camvid_1-16.py")\n'
        'print(cfg.model.student.type)'
    )
    assert 'EncoderDecoder' in run(
        scripts / 'python', '-c', code, cwd=tmp_path
    )


def test_train_and_infer_in_an_empty_folder(scripts, tmp_path) -> None:
    said = run(
        *(scripts / 'mmsemi', 'train', 'dst_cbc/shapes.py', '--cfg-options'),
        *('train_cfg.supervised_iters=2', 'train_cfg.iters_per_round=2'),
        *('train_cfg.portions=[0.5]', 'train_dataloader.num_workers=0'),
        *('train_dataloader.persistent_workers=False',),
        *('semi_dataloader.num_workers=0',),
        *('semi_dataloader.persistent_workers=False',),
        cwd=tmp_path,
    )
    assert [li for li in said.splitlines() if not OURS.fullmatch(li)] == []
    work_dir = tmp_path / 'work_dirs/dst_cbc/shapes'
    summary = json.loads((work_dir / 'summary.json').read_text())
    assert summary['finished']
    assert [row['round'] for row in summary['rounds']] == [0, 1]
    photos = sorted((tmp_path / 'data/shapes/images/val').iterdir())
    for photo in photos[3:]:
        photo.unlink()
    text = run(
        *(scripts / 'mmsemi', 'infer', photos[0].parent, '--out', 'maps'),
        *('--config', 'dst_cbc/shapes.py'),
        *('--checkpoint', work_dir / 'segmentor.pth'),
        cwd=tmp_path,
    )
    assert '3 of 3 images segmented' in text
    assert len(list((tmp_path / 'maps/color').iterdir())) == 3
