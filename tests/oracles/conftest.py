"""No run of the oracle tests passes by comparing nothing."""

from pathlib import Path

import pytest

from tests.oracles import kinds

HERE = Path(__file__).parent
# Those that read oracles; this one runs them on folders of its own.
MODULES = set(HERE.glob('test_*.py')) - {HERE / 'test_any_files.py'}
deselected = []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Fixtures of a test read for it as well."""
    kinds.OPENED.clear()
    kinds.TOUCHED.clear()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """A test that opened oracle files has to read some array of them."""
    outcome = yield
    if outcome.excinfo is None and kinds.OPENED and not kinds.TOUCHED:
        names = ', '.join(sorted(p.name for p in kinds.OPENED))
        outcome.force_exception(
            AssertionError(f'{item.name} compared nothing of {names}')
        )


def pytest_deselected(items) -> None:
    """Only whole modules can tell what none of their tests reads."""
    deselected.extend(i for i in items if i.path in MODULES)


def pytest_sessionfinish(session, exitstatus) -> None:
    """Fail when a file, or in a run of all tests a case, was not compared.

    A test of one part of a file is skipped where the file has no such part;
    so only the end tells that it has no part at all.
    """
    partly = deselected or any('::' in arg for arg in session.config.args)
    if partly or exitstatus:
        return
    whole = MODULES <= {item.path for item in session.items}
    write = session.config.pluginmanager.get_plugin(
        'terminalreporter'
    ).write_line
    for path in sorted(set(kinds.STORED) - set(kinds.UNSERVED)):
        nothing = not kinds.READ[path]
        if nothing or (whole and kinds.untouched(path)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if nothing:
            write(f'\nnothing of {path.name} was compared', red=True)
        elif whole and kinds.unread(path):
            names = ', '.join(kinds.unread(path))
            write(f'\nnot compared of {path.name}: {names}')
    for path, why in sorted(kinds.UNSERVED.items()):
        write(f'\nnot compared: {path.name}, {why}')
