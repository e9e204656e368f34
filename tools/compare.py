"""The command ``mmsemi compare`` as a script."""

from mmsemi.cli import main

if __name__ == '__main__':
    main('compare')
