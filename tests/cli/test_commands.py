"""The command line: every option reaches its function, mistakes are said."""

import importlib
import inspect
import subprocess
import sys

import pytest

from mmsemi import apis
from mmsemi.cli import main
from mmsemi.cli.commands import COMMANDS
from mmsemi.cli.main import build_parser, refuse_blanks
from mmsemi.prepare.split_pools import POOLS
from mmsemi.utils.errors import UsageError
from mmsemi.version import __version__
from tests.conftest import ROOT

# What each command cannot do without.
WORDS = {
    'doctor': 'photos masks',
    'fit': 'photos masks --out run',
    'train': 'c.py',
    'test': 'c.py k.pth',
    'infer': 'photos --config c.py --checkpoint k.pth --out o',
    'predict': 'run photos --out o',
    'label-next': 'run',
    'export': 'run',
    'convert': 'theirs.pth --out o.pth',
    'mutual': 'a.py b.py',
    'compare': 'a.py',
    'calibrate': 'c.py k.pth',
    'calibrate-masks': 'c.py masks --out o',
    'report': 'r',
    'summarize': 'w',
    'curves': 'w',
    'splits': 'folder --images i --masks m --name n',
    'import-splits': 'theirs',
    'gta5': 'download out',
    'synthia': 'download out',
    'class-frequency': 'c.py out.json',
    'spatial-prior': 'c.py --out out.npz',
    'class-embeddings': 'out.npz --names names.txt --vectors some.vec',
}
LINES = [f'{name} {words}' for name, words in WORDS.items()]
LINES += ['splits voc VOC2012', 'splits cityscapes city']


@pytest.mark.parametrize('words', LINES)
def test_options_are_the_arguments_of_the_function(words) -> None:
    name, *_ = words = words.split()
    options = vars(build_parser().parse_args(words))
    module, function = COMMANDS[name].target.split(':')
    function = getattr(importlib.import_module(module), function)
    parameters = dict(inspect.signature(function).parameters)
    if name == 'splits':  # images are found by the arguments of a pool
        del parameters['source']
        parameters |= inspect.signature(POOLS[options['kind']]).parameters
    assert set(options) - {'command', 'local_rank', 'trust_checkpoint'} == set(
        parameters
    )
    # An option left out means what it means in Python.
    for key, parameter in parameters.items():
        if (
            parameter.default is not parameter.empty
            and f'--{key}' not in words
        ):
            assert options[key] == parameter.default, key


@pytest.mark.parametrize('name', COMMANDS)
def test_the_function_of_a_command_is_one_of_mmsemi_apis(name) -> None:
    module, function = COMMANDS[name].target.split(':')
    wanted = getattr(importlib.import_module(module), function)
    assert getattr(apis, function) is wanted
    assert function in apis.__all__


def test_functions_are_imported_when_they_are_asked_for() -> None:
    code = (
        'import sys\n'
        'import mmsemi.apis as apis\n'
        'assert not {"torch", "cv2", "mmseg"} & set(sys.modules)\n'
        'import mmsemi.apis.launcher, mmsemi.apis.work_dir\n'
        'import mmsemi.apis.train\n'
        'from mmsemi.apis import train\n'
        'assert callable(train) and train is apis.train\n'
        'assert train.__module__ == "mmsemi.apis.train"\n'
        'assert apis.export.__name__ == "export"'
    )
    subprocess.run([sys.executable, '-c', code], cwd=ROOT, check=True)
    with pytest.raises(AttributeError, match='no attribute trian'):
        apis.__getattr__('trian')


def test_help_needs_no_torch() -> None:
    code = (
        'import sys, mmsemi.cli\n'
        'try: mmsemi.cli.main(argv=["--help"])\n'
        'except SystemExit: pass\n'
        'assert not {"torch", "cv2", "scipy", "mmseg"} & set(sys.modules)'
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    words = ' '.join(done.stdout.split())  # long lines are broken
    for name, command in COMMANDS.items():
        assert name in words and command.summary in words


def test_settings_of_the_command_line_are_read_as_values() -> None:
    words = ['train', 'c.py', '--cfg-options', 'a.b=1', 'c=[1,x]', 'd=1e-3']
    options = build_parser().parse_args(words).options
    assert options == {'a.b': 1, 'c': [1, 'x'], 'd': 1e-3}


@pytest.mark.parametrize(
    'text, value',
    [
        ('{"type": "SGD", "lr": 0.1}', dict(type='SGD', lr=0.1)),
        ("{'a': (1, 2), 'b': {'c': None}}", dict(a=(1, 2), b=dict(c=None))),
        ('[{"a": 1, "b": 2}, {"a": 3}]', [dict(a=1, b=2), dict(a=3)]),
        ('{root}/lists,b', ['{root}/lists', 'b']),  # no dict: as ever
    ],
)
def test_settings_in_braces_are_not_cut_at_their_commas(text, value) -> None:
    words = ['train', 'c.py', '--cfg-options', 'a=1', f'k={text}', 'b=2']
    options = build_parser().parse_args(words).options
    assert options == {'a': 1, 'k': value, 'b': 2}


def test_a_broken_dict_is_one_sentence(capsys) -> None:
    with pytest.raises(SystemExit):
        main('train', ['c.py', '--cfg-options', 'o={type: SGD, lr: 0.1}'])
    said = capsys.readouterr().err
    assert 'no dict of JSON or Python' in said and 'o.type=SGD' in said


def test_the_last_of_equal_settings_counts() -> None:
    words = ['train', 'c.py', '--cfg-options', 'a=1', 'c=3']
    words += ['--cfg-options', 'a={"x": 2}', 'b=2']
    options = build_parser().parse_args(words).options
    assert options == {'a': dict(x=2), 'b': 2, 'c': 3}


@pytest.mark.parametrize(
    'word, said',
    [
        ('model', "takes key=value, got 'model'"),
        ('=3', "takes key=value, got '=3'"),
        ('sizes=[1,', 'sizes: brackets in [1, are not closed'),
    ],
)
def test_a_setting_without_a_value_is_no_traceback(capsys, word, said) -> None:
    with pytest.raises(SystemExit):
        main('train', ['c.py', '--cfg-options', word])
    assert said in ' '.join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    'name, hint',
    [('dst_cbc/shape.py', 'Did you mean dst_cbc/shapes.py?'), ('no.py', '')],
)
def test_a_config_that_is_nowhere(name, hint) -> None:
    with pytest.raises(SystemExit) as stopped:
        main('train', [name])
    assert stopped.value.code.startswith(f'error: config {name} not found')
    assert stopped.value.code.endswith(hint or 'mmsemi')


def test_a_command_with_commands_of_its_own(capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(argv=['splits', 'voc', '--help'])
    assert stopped.value.code == 0
    assert 'usage: mmsemi splits voc' in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(argv=['gta5', 'nowhere', 'out'])
    assert stopped.value.code.startswith('error: nowhere')


def test_scripts_are_commands() -> None:
    """Each script of ``tools/`` is a command and nothing else."""
    for path in (ROOT / 'tools').rglob('*.py'):
        text = path.read_text()
        name = text.split("main('")[1].split("'")[0]
        assert f'``mmsemi {name}``' in text and name in COMMANDS
        assert len(text.splitlines()) == 6


def test_the_package_runs_as_a_module() -> None:
    """As where scripts are not on the path, and below torchrun's ``-m``."""
    done = subprocess.run(
        [sys.executable, '-m', 'mmsemi', '--version'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f'mmsemi {__version__}\n'


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('train', 'stopped; --resume goes on from the last checkpoint\n'),
        ('predict', 'stopped\n'),
    ],
)
def test_ctrl_c_names_no_option_that_is_not_there(
    name, words, monkeypatch, capsys
) -> None:
    def stop(**options):
        raise KeyboardInterrupt

    module, function = COMMANDS[name].target.split(':')
    monkeypatch.setattr(importlib.import_module(module), function, stop)
    with pytest.raises(SystemExit) as end:
        main(argv=[name, *WORDS[name].split()])
    assert end.value.code == 130
    assert capsys.readouterr().err == words


@pytest.mark.parametrize(
    'words, option',
    [
        (['train', 'c.py', '--work-dir', ''], '--work-dir'),
        (['train', 'c.py', '--split', '  '], '--split'),
        (['train', 'c.py', '--work-dir='], '--work-dir'),
        (['train', ''], 'an argument'),
        (['compare', 'a.py', '--out', ''], '--out'),
    ],
)
def test_empty_arguments_are_mistakes(words, option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as info:
        main(argv=words)
    assert str(info.value.code).startswith(f'error: {option} is empty.')
    assert not list(tmp_path.iterdir())


def test_options_may_be_empty_where_that_means_something() -> None:
    for words in (
        ['doctor', 'a', 'b', '--mask-suffix', ''],
        ['train', 'c.py', '--cfg-options', 'data.load.x=', 'a.b=3'],
    ):
        refuse_blanks(words)
        with pytest.raises(UsageError, match='--out is empty'):
            refuse_blanks([*words, '--out', ''])


@pytest.mark.parametrize(
    'words',
    [
        ('doctor', 'images', 'masks', '--threads', '0'),
        ('gta5', 'root', 'out', '--workers', '-1'),
    ],
)
def test_no_threads_do_no_work(words, capsys) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(words)
    assert 'must be 1 or more' in capsys.readouterr().err
