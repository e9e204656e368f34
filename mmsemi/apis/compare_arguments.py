"""Whether the arguments of a comparison make sense together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmsemi.utils.errors import UsageError

from .compare_cells import split_label


def check_report_only(methods: Sequence[str], **options: Any) -> None:
    """Stop at what a report that trains nothing could not heed.

    Args:
        methods: that were named.
        options: what was given by the names of options; false values are
            not.
    """
    words = [f'--{k.replace("_", "-")}' for k, v in options.items() if v]
    if methods or words:
        raise UsageError(
            '--report-only DIR takes nothing but --publish: it tells what the '
            f'folders in DIR say. Leave out {", ".join([*methods, *words])}'
        )


def check_arguments(
    methods: Sequence[str],
    out: str | None,
    splits: Sequence[str],
    seeds: Sequence[int],
    iterations: int | None,
) -> None:
    """Stop with one sentence where the arguments make no comparison."""
    if not methods:
        raise UsageError(
            'name the configs to compare, such as mean_teacher/camvid_1-16 '
            'cps/camvid_1-16'
        )
    if not out:
        raise UsageError('--out is missing: name a folder for the runs')
    if Path(out).is_file():
        raise UsageError(f'--out {out} is a file. Name a folder')
    labels = [split_label(split) for split in splits]
    if len(set(labels)) < len(labels):
        raise UsageError(
            f'--splits {" ".join(splits)}: two of them would be called '
            f'{max(labels, key=labels.count)}. Let the names of their folders '
            'differ'
        )
    if 'all' in labels:
        raise UsageError(
            f'--splits {splits[labels.index("all")]}: all is what the split '
            'of all-labels is called. Give the folder another name'
        )
    usable = all(0 <= seed < 2**32 for seed in seeds)  # all numpy takes
    if len(set(seeds)) < len(seeds) or not seeds or not usable:
        raise UsageError(
            '--seeds must be different numbers from 0 to 4294967295, got '
            f'{", ".join(map(str, seeds)) or "none"}'
        )
    if iterations is not None and iterations < 1:
        raise UsageError(f'--iterations must be at least 1, got {iterations}')
