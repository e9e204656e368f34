"""No oracle test passes by comparing nothing."""

from pathlib import Path

import pytest

from tests.oracles import kinds

HERE = Path(__file__).parent
MODULES = set(HERE.glob('test_*.py'))
deselected = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """A test that opened oracle files has to read some array of them."""
    kinds.OPENED.clear()
    kinds.TOUCHED.clear()
    outcome = yield
    if outcome.excinfo is None and kinds.OPENED and not kinds.TOUCHED:
        names = ', '.join(sorted(p.name for p in kinds.OPENED))
        outcome.force_exception(
            AssertionError(f'{item.name} compared nothing of {names}')
        )


def pytest_deselected(items) -> None:
    """Only a run of all tests can tell what none of them reads."""
    deselected.extend(i for i in items if i.path in MODULES)


def pytest_terminal_summary(terminalreporter) -> None:
    """Name the files that no part of the project serves yet."""
    for path, why in sorted(kinds.UNSERVED.items()):
        terminalreporter.write_line(f'not compared: {path.name}, {why}')


def pytest_sessionfinish(session, exitstatus) -> None:
    """After all tests here have passed, no array may be left unread."""
    ran = {item.path for item in session.items}
    if exitstatus or deselected or not MODULES <= ran:
        return
    unread = kinds.unread()
    if unread:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin('terminalreporter')
        reporter.write_line('')
        for path, names in unread.items():
            reporter.write_line(
                f'no test compares {path.name}: {", ".join(names)}', red=True
            )
