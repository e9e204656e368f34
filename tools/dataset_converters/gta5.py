"""The command ``mmsemi gta5`` as a script."""

from mmsemi.cli import main

if __name__ == '__main__':
    main('gta5')
