"""The page of a report: templates filled with facts, in one file."""

import re
from pathlib import Path
from typing import Any

from mmsemi.version import __version__

from .verdict import points

TEMPLATES = Path(__file__).parent / 'templates'
# What no reader sees, or what turns the text behind it around; and halves of
# names that are not UTF-8.
_HIDDEN = re.compile(
    '[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069'
    '\ud800-\udfff]'
)


def visible(value: Any) -> Any:
    """Text without characters that hide or turn what is written.

    A figure and its percent sign stay on one line.
    """
    if isinstance(value, str) and not hasattr(value, '__html__'):
        text = _HIDDEN.sub('\N{REPLACEMENT CHARACTER}', value)
        return re.sub(r'(?<=\d) %', '\N{NO-BREAK SPACE}%', text)
    return value


def signed(value: float, sign: bool = False) -> str:
    """A figure with one digit, with its sign where that is asked for."""
    return points(value) if sign else f'{value:.1f}'


def render(facts: dict[str, Any]) -> str:
    """Fill ``report.html``.

    Whatever is text in the facts is escaped; charts are our own SVG.

    Args:
        facts: of :func:`mmsemi.report.own_data.facts.collect`, with
            ``gain_chart``, ``trust_chart``, ``curve_charts`` and
            ``gallery``.
    """
    environment = _environment()
    environment.filters['points'] = signed
    from markupsafe import Markup

    own = dict(
        style=_style(),
        gain_chart=Markup(visible(facts['gain_chart'])),
        trust_chart=Markup(visible(facts['trust_chart'])),
        curve_charts=[
            dict(title=chart['title'], svg=Markup(visible(chart['svg'])))
            for chart in facts['curve_charts']
        ],
    )
    return environment.get_template('report.html').render({**facts, **own})


def render_findings(facts: dict[str, Any]) -> str:
    """Fill ``doctor.html``.

    Args:
        facts: of :meth:`mmsemi.apis.diagnosis.Diagnosis.as_data`, with
            ``folders``, ``sheet`` (``src``, ``width``, ``height``, or None)
            and, with classes, ``ignored_share`` and their ``color`` and
            ``share``.
    """
    template = _environment().get_template('doctor.html')
    return template.render(facts, style=_style(), version=__version__)


def _style():
    from markupsafe import Markup

    return Markup((TEMPLATES / 'style.css').read_text(encoding='utf-8'))


def _environment():
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment
