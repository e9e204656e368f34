"""The config of a fold of cross-validation."""

from collections.abc import Sequence

from .fit_config import BEGIN

_FOLD = """\
# Fold {number} of {folds}: {base} without the images of data/holdout.txt,
# which are predicted by what is trained here.
# Written by `mmsemi fit` for cross-validation.
_base_ = '../../{base}'
fold = "{{{{ fileDirname }}}}/data"
data = dict(
    splits=dict(
        own=dict(lists=(f'{{fold}}/labeled.txt', f'{{fold}}/unlabeled.txt'))
    ),
{partly})
{begin}"""


def fold_text(
    base: str,
    number: int,
    folds: int,
    partly: Sequence[str] | None,
    iters: int,
    shared: int,
) -> str:
    """Text of a config that trains without the images of a fold.

    Args:
        base: name of the config of the run, two folders above.
        number: of the fold, from 1.
        folds: how many there are.
        partly: images of the fold of which a part is labeled; None where
            the config of the run names none.
        iters: see :func:`.fit_config.config_text`, as is the next.
        shared: iterations.
    """
    line = begin = ''
    if shared and base == 'config.py':
        begin = BEGIN.format(shared=shared, iters=iters, folder='fold')
    if partly is not None and base == 'config.py':
        value = "f'{fold}/partly.txt'" if partly else None
        line = f'    partly_labeled={value},\n'
    return _FOLD.format(
        number=number, folds=folds, base=base, partly=line, begin=begin
    )
