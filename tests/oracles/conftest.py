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
    """Judge the files; one of several processes hands its notes on."""
    partly = deselected or any('::' in arg for arg in session.config.args)
    notes = kinds.Notes(
        kinds.STORED,
        dict(kinds.READ),
        kinds.UNSERVED,
        bool(partly),
        whole=MODULES <= {item.path for item in session.items},
    )
    if hasattr(session.config, 'workeroutput'):
        session.config.workeroutput['oracles'] = notes.packed()
    elif not exitstatus:
        kinds.judge(session, notes)
