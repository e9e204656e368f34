"""Write the reference pages that follow from the code.

    python docs/generate_reference.py

``commands.md`` has the help of every command, ``api.md`` the functions of
``mmsemi.apis`` and the registered classes with the first sentence of their
docstrings.
"""

import importlib
import inspect
import os
import re
from pathlib import Path

# The help is as wide as a terminal.
os.environ['COLUMNS'] = '88'

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ROOMS = (
    ('Methods', 'mmsemi.models.segmentors'),
    ('Pseudo-labelers', 'mmsemi.models.pseudo_labelers'),
    ('Losses', 'mmsemi.models.losses'),
    ('Mixing', 'mmsemi.models.mixing'),
    ('Perturbations of features', 'mmsemi.models.perturbations'),
    ('Heads', 'mmsemi.models.decode_heads'),
    ('Backbones', 'mmsemi.models.backbones'),
    ('Data sets', 'mmsemi.datasets'),
    ('Transforms', 'mmsemi.datasets.transforms'),
    ('Samplers', 'mmsemi.datasets.samplers'),
    ('Metrics', 'mmsemi.evaluation'),
    ('Hooks', 'mmsemi.engine.hooks'),
    ('Loops', 'mmsemi.engine.loops'),
)
NOTE = '<!-- Written by docs/generate_reference.py. -->\n'


def first_sentence(thing) -> str:
    """First sentence of a docstring, as plain text."""
    text = (inspect.getdoc(thing) or '').split('\n\n')[0]
    text = re.sub(r':\w+:`~?([^`]+)`', r'`\1`', ' '.join(text.split()))
    return text.replace('|', '\\|')


def source(thing) -> str:
    """Link from a reference page to where a class stands."""
    path = Path(inspect.getsourcefile(thing)).relative_to(ROOT).as_posix()
    return f'[`{thing.__name__}`](../../{path})'


def commands() -> str:
    """The page of the commands."""
    from mmsemi.cli.commands import COMMANDS
    from mmsemi.cli.main import build_parser

    parser = build_parser()
    (choices,) = (a.choices for a in parser._actions if a.choices)
    page = [
        NOTE + '# Commands',
        'After an installation each is `mmsemi COMMAND`; in a clone the '
        'scripts under `tools/` do the same.',
    ]
    for name in COMMANDS:
        page += [f'## {name}', f'```text\n{choices[name].format_help()}```']
    return '\n\n'.join(page) + '\n'


def api() -> str:
    """The page of functions and classes."""
    from mmsemi import apis
    from mmsemi.cli.commands import COMMANDS

    rows = []
    for command in COMMANDS.values():
        name = command.target.partition(':')[2]
        function = getattr(apis, name)
        rows.append(f'| `mmsemi.apis.{name}` | {first_sentence(function)} |')
    page = [
        NOTE + '# Python API',
        'Shapes, units, errors and sources are in the docstrings: '
        '`help(mmsemi.apis.train)`. `from mmsemi.apis import train` imports '
        'what this one needs.',
        '## Functions behind the commands',
        '| function | what it does |\n|---|---|\n' + '\n'.join(rows),
    ]
    for title, name in ROOMS:
        module = importlib.import_module(name)
        rows = [
            f'| {source(thing)} | {first_sentence(thing)} |'
            for _, thing in sorted(vars(module).items())
            if inspect.isclass(thing)
            and thing.__module__.rpartition('.')[0] == name
            and thing.__name__ in getattr(module, '__all__', ())
        ]
        page += [
            f'## {title}',
            '| class | what it is |\n|---|---|\n' + '\n'.join(rows),
        ]
    return '\n\n'.join(page) + '\n'


def pages() -> dict[Path, str]:
    """Content of every generated page."""
    return {
        HERE / 'reference' / 'commands.md': commands(),
        HERE / 'reference' / 'api.md': api(),
    }


if __name__ == '__main__':
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding='utf-8')
        print(path.relative_to(ROOT))
