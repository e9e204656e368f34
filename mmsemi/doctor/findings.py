"""What was found in somebody's data, as data: one source of every output."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mmsemi.utils.errors import UsageError

SEVERITIES = ('error', 'warning', 'note')


@dataclass(frozen=True)
class Finding:
    """One thing that was found, in any number of files.

    Attributes:
        kind: which thing, in words joined by ``-``; stays the same between
            versions, for programs.
        severity: ``error`` (no training with it), ``warning`` (a person
            should look) or ``note`` (dealt with, and how).
        file: the first file concerned, '' where there is none.
        value: what was found there, as plain data.
        text: what is the matter, without the file and without a full stop.
        remedy: what to do, or what is done about it.
        number: how many files are concerned.
    """

    kind: str
    severity: str
    file: str
    value: Any
    text: str
    remedy: str
    number: int = 1

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f'severity {self.severity!r}')

    @property
    def sentence(self) -> str:
        """For a person: file, matter, remedy."""
        more = f' (and {self.number - 1} more)' if self.number > 1 else ''
        place = f'{self.file}{more}: ' if self.file else ''
        return f'{place}{self.text}' + f'. {self.remedy}' * bool(self.remedy)


def finding_of(
    kind: str, error: UsageError, files: Iterable[str] = ()
) -> Finding:
    """An error that was raised, as a finding.

    Args:
        kind: see :class:`Finding`.
        error: its message ends with the remedy.
        files: those it may be about; its message begins with one of them.
    """
    text, _, remedy = str(error).rpartition('. ')
    if not text:
        text, remedy = remedy, ''
    for file in files:
        if text.startswith(f'{file}: '):
            text = text[len(file) + 2 :]
            return Finding(kind, 'error', file, None, text, remedy)
    return Finding(kind, 'error', '', None, text, remedy)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then warnings, then notes; otherwise as they came."""
    return sorted(findings, key=lambda f: SEVERITIES.index(f.severity))


def as_data(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Plain data for JSON, a ``sentence`` with each."""
    return [
        {**asdict(finding), 'sentence': finding.sentence}
        for finding in findings
    ]


def as_text(findings: Sequence[Finding]) -> str:
    """A line for each finding, for a terminal."""
    return '\n'.join(f'{f.severity:<8}{f.sentence}' for f in findings)


def stop_at_errors(findings: Iterable[Finding]) -> None:
    """Raise the first error as what a command says.

    Raises:
        UsageError: with its sentence, and how many more there are.
    """
    errors = [f for f in findings if f.severity == 'error']
    if errors:
        more = len(errors) - 1
        raise UsageError(
            errors[0].sentence
            + f'; mmsemi doctor lists {more} more error{"s" * (more > 1)}'
            * bool(more)
        )
