"""``python -m mmsemi COMMAND``: the same as the command ``mmsemi``."""

from mmsemi.cli import main

if __name__ == '__main__':
    main()
