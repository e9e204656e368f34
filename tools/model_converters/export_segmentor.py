"""The command ``mmsemi export`` as a script."""

from mmsemi.cli import main

if __name__ == '__main__':
    main('export')
