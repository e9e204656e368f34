"""Several commands at once, until all are done or time is up."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE = 30.0  # seconds a stopped command has to save its state


def run(
    commands: Mapping[str, Sequence[str]],
    at_once: int,
    deadline: float,
    logs: Path,
) -> dict[str, str]:
    """Run commands next to each other.

    Those still running at the deadline get SIGTERM, on which mmsemi saves
    its state, and those not yet begun stay so.

    Args:
        commands: words by name.
        at_once: how many may run at a time.
        deadline: in the seconds of ``time.monotonic``.
        logs: folder for what they print, ``<name>.log``.

    Returns:
        By name ``'done'``, ``'failed'``, ``'stopped'`` or ``'not begun'``.
    """
    logs.mkdir(parents=True, exist_ok=True)
    waiting, state = list(commands), dict.fromkeys(commands, 'not begun')
    running: dict[str, subprocess.Popen] = {}
    while (waiting or running) and time.monotonic() < deadline:
        while waiting and len(running) < at_once:
            name = waiting.pop(0)
            with open(logs / f'{name}.log', 'ab') as log:
                running[name] = subprocess.Popen(
                    list(commands[name]), stdout=log, stderr=log
                )
        time.sleep(0.05)
        for name, process in list(running.items()):
            if process.poll() is not None:
                state[name] = 'failed' if process.returncode else 'done'
                del running[name]
    for process in running.values():
        process.send_signal(signal.SIGTERM)
    for name, process in running.items():
        state[name] = 'stopped'
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return state
