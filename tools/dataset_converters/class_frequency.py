"""The command ``mmsemi class-frequency`` as a script."""

from mmsemi.cli import main

if __name__ == '__main__':
    main('class-frequency')
