"""Means and deviations over the seeds of a method, as Markdown.

``python tools/analysis_tools/summarize.py work_dirs/dst_cbc_seed*`` reads the
``summary.json`` of each work dir. Runs that differ in more than seed and
split, in what was overridden on the command line too, get tables of their
own.
"""

import argparse
import sys

from mmsemi.report.runs import summarize
from mmsemi.utils.errors import UsageError


def main() -> None:
    parser = argparse.ArgumentParser(
        description='Mean and deviation over runs, as Markdown'
    )
    parser.add_argument(
        'work_dirs',
        nargs='+',
        metavar='WORK_DIR',
        help='folders of finished runs',
    )
    print(summarize(parser.parse_args().work_dirs))


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
