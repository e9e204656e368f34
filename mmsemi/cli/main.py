"""Find the command, call its function, say in one line what went wrong."""

import argparse
import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from mmsemi.apis.plain_errors import plain_errors
from mmsemi.utils.errors import UsageError
from mmsemi.version import __version__

from .commands import COMMANDS, Command
from .process import prepare


def build_parser() -> argparse.ArgumentParser:
    """Parser of ``mmsemi`` with all its commands."""
    parser = argparse.ArgumentParser(
        prog='mmsemi',
        description='Label-efficient semantic segmentation',
        epilog='`mmsemi COMMAND --help` names the options of a command.',
    )
    parser.add_argument(
        '--version', action='version', version=f'mmsemi {__version__}'
    )
    commands = parser.add_subparsers(
        dest='command', metavar='COMMAND', required=True
    )
    for name, command in COMMANDS.items():
        command.add(
            commands.add_parser(
                name,
                help=command.summary,
                description=(command.summary[0].upper() + command.summary[1:]),
            )
        )
    return parser


def run(command: Command, arguments: dict[str, Any]) -> None:
    """Call the function of a command."""
    rank = arguments.pop('local_rank', None)
    if rank is not None:
        os.environ.setdefault('LOCAL_RANK', str(rank))
    trust = arguments.pop('trust_checkpoint', False)
    module, _, name = command.target.partition(':')
    gc.disable()  # nothing that is imported is garbage
    try:
        function = getattr(importlib.import_module(module), name)
    finally:
        gc.enable()
    gc.freeze()  # nor later, when every data set has garbage collected
    with plain_errors(), ExitStack() as stack:
        if trust:
            from mmsemi.io.checkpoints import trusting_checkpoints

            stack.enter_context(trusting_checkpoints())
        result = function(**arguments)
    if command.prints:
        print(result)
    code = getattr(result, 'exit_code', 0)
    if code:
        sys.exit(code)


def main(
    command: str | None = None, argv: Sequence[str] | None = None
) -> None:
    """Run a command line; mistakes end in one sentence and exit code 1.

    Args:
        command: name of the command, where it is not on the command line.
        argv: the words of the command line, those of the process by default.
    """
    prepare()
    words = list(sys.argv[1:] if argv is None else argv)
    words = [command, *words] if command else words
    arguments = vars(build_parser().parse_args(words))
    try:
        refuse_blanks(words)
        run(COMMANDS[arguments.pop('command')], arguments)
        end()
    except UsageError as error:
        sys.exit(f'error: {error}')
    except OSError as error:
        from mmsemi.io.files import describe

        folder = arguments.get('work_dir') or arguments.get('out')
        sys.exit(f'error: {describe(error, folder)}')
    except KeyboardInterrupt as error:
        advice = getattr(error, 'advice', None)
        if advice is None and 'resume' in arguments:
            advice = '--resume goes on from the last checkpoint'
        words = f'stopped; {advice}' if advice else 'stopped'
        print(words, file=sys.stderr)
        end(getattr(error, 'exit_code', 128 + signal.SIGINT))


def refuse_blanks(words: Sequence[str]) -> None:
    """Stop at an argument that is empty, as an unset variable leaves one.

    ``--work-dir "$RUN"`` would else write into the folder one is in, and
    ``--split "$SPLIT"`` take the usual split. A suffix may be empty.

    Raises:
        UsageError: naming the option before it.
    """
    before = ''
    for word in words:
        option, given, value = word.partition('=')
        if not option.startswith('--'):
            option, given, value = before, 'x', word
        if given and not value.strip() and not option.endswith('suffix'):
            raise UsageError(
                f'{option or "an argument"} is empty. Leave it out or give '
                'it a value; a variable of the shell may not be set'
            )
        before = word if word.startswith('--') else before


def end(code: int = 0) -> None:
    """End the process; see :func:`mmsemi.apis.launcher.end_process`."""
    if 'torch.distributed' in sys.modules:
        from mmsemi.apis.launcher import end_process

        end_process(code)
    elif code:
        sys.exit(code)
