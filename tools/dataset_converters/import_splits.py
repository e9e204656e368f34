"""The command ``mmsemi import-splits`` as a script."""

from mmsemi.cli import main

if __name__ == '__main__':
    main('import-splits')
