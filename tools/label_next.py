"""The command ``mmsemi label-next`` as a script."""

from mmsemi.cli import main

if __name__ == '__main__':
    main('label-next')
