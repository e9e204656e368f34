"""Options that several commands have."""

import argparse
import ast
import json
import re
from typing import Any


class KeyValues(argparse.Action):
    """``key=value ...`` as a dict, read as mmengine's ``DictAction`` does.

    That cuts a value in braces at its commas; here it is a dict (or a list
    that begins with one), in the notation of JSON or Python.
    """

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        from mmengine.config import DictAction

        found = dict(getattr(namespace, self.dest, None) or {})
        for item in values:
            key, sign, value = item.partition('=')
            if not sign or not key:
                parser.error(f'{option_string} takes key=value, got {item!r}')
            if re.match(r'[\[(]*\{.*:', value):
                try:
                    found[key] = braced(value)
                except ValueError:
                    parser.error(
                        f'{option_string} {key}: {value} is no dict of JSON '
                        f'or Python. Write {key}=\'{{"type": "SGD"}}\', or '
                        f'its parts one by one: {key}.type=SGD'
                    )
                continue
            action = DictAction(self.option_strings, self.dest, nargs='+')
            try:
                action(parser, namespace, [item], option_string)
            except AssertionError:  # all that mmengine says
                parser.error(
                    f'{option_string} {key}: brackets in {value} are not '
                    'closed, or words are divided within. Put the item in '
                    "quotes: 'key=[a, b]'"
                )
            found[key] = getattr(namespace, self.dest)[key]
        setattr(namespace, self.dest, found)


def braced(value: str) -> Any:
    """A dict, or a list of some, from its text.

    Raises:
        ValueError: if it is neither in JSON nor in Python.
    """
    for read in (json.loads, ast.literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    raise ValueError(value)


def count(text: str) -> int:
    """A whole number from 1 on."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is no whole number'
        ) from None
    if number < 1:
        raise argparse.ArgumentTypeError(f'must be 1 or more, got {number}')
    return number


def add_config(parser: argparse.ArgumentParser) -> None:
    """The config, as the first argument."""
    parser.add_argument(
        'config',
        help='config file, or the name of one that mmsemi brings, such as '
        'dst_cbc/shapes.py',
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """``--cfg-options``."""
    parser.add_argument(
        '--cfg-options',
        dest='options',
        metavar='KEY=VALUE',
        nargs='+',
        action=KeyValues,
        help='change settings of the config; lists as key="[a,b]" or key=a,b',
    )


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """``--launcher``, and what torch's launchers add to the command line."""
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how several processes were started; works without a GPU too',
    )
    parser.add_argument(
        '--local_rank',
        '--local-rank',
        type=int,
        default=0,
        help=argparse.SUPPRESS,
    )


def add_trust_option(parser: argparse.ArgumentParser) -> None:
    """``--trust-checkpoint``."""
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='read checkpoints that hold code beside weights, and run that '
        'code; only for files of people you trust as you trust their programs',
    )


def add_predict_on(parser: argparse.ArgumentParser) -> None:
    """``--predict-on``."""
    parser.add_argument(
        '--predict-on',
        metavar='NETWORK',
        help='student or teacher, where there are two; default: the one the '
        'config predicts with',
    )
