"""The command ``mmsemi spatial-prior`` as a script."""

from mmsemi.cli import main

if __name__ == '__main__':
    main('spatial-prior')
