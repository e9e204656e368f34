"""Charts of a report as SVG that takes the colors of the page around it."""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

_INK = '#010203'  # becomes the color of the text around the picture
GREEN, RED, GRAY = '#1f9d55', '#d6455d', '#868d97'
BLUE, ORANGE = '#3b82d6', '#d98a1a'
_DPI = 72  # a point is a pixel of the page
MOST = 40  # classes in a picture


class Charts:
    """Draws charts whose ids differ, for one page."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def gains(self, rows: Sequence[dict], mean: dict) -> str:
        """Gain of each class with its interval; '' without any.

        Args:
            rows: of :func:`.class_rows.class_rows`.
            mean: gain of the mean, an ``Estimate`` as plain data.
        """
        known = [
            r for r in rows if (r.get('gain') or {}).get('value') is not None
        ]
        if not known:
            return ''
        largest = sorted(known, key=lambda r: -abs(r['gain']['value']))[:MOST]
        shown = sorted(largest, key=lambda row: row['gain']['value'])
        entries = [(r['name'], r['gain'], r['verdict']) for r in shown]
        entries.append(('mean', mean, None))

        def draw(axis) -> None:
            axis.axvline(0, color=_INK, linewidth=1)
            for place, (_, gain, verdict) in enumerate(entries):
                last = place == len(entries) - 1
                color = {'better': GREEN, 'worse': RED}.get(verdict, GRAY)
                mark = {'better': '^', 'worse': 'v'}.get(verdict, 'o')
                if last:
                    color, mark = _INK, 'D'
                if gain['low'] is not None:
                    axis.plot(
                        [gain['low'], gain['high']],
                        [place, place],
                        color=color,
                        linewidth=3 if last else 2,
                        alpha=0.55,
                        solid_capstyle='butt',
                    )
                axis.plot(
                    [gain['value']],
                    [place],
                    marker=mark,
                    color=color,
                    markersize=7,
                    # Without an interval it is hollow.
                    fillstyle='none' if gain['low'] is None else 'full',
                )
            axis.axhline(
                len(entries) - 1.5, color=_INK, linewidth=0.5, alpha=0.4
            )
            axis.set_ylim(-0.7, len(entries) - 0.3)
            axis.set_yticks(
                range(len(entries)),
                [clipped(name) for name, _, _ in entries],
                parse_math=False,
            )
            axis.tick_params(axis='y', length=0)
            axis.set_xlabel('gain in points of IoU')
            axis.grid(axis='x', color=_INK, alpha=0.12)

        return self._svg(
            draw,
            (5.4, 1.0 + 0.29 * len(entries)),
            'Gain of each class with its interval; the table has the figures',
        )

    def curve(
        self,
        title: str,
        lines: Sequence[tuple[str, Sequence[float], Sequence[float]]],
        points: bool = False,
    ) -> str:
        """Lines over iterations.

        Args:
            title: what the values are.
            lines: name, iterations, values.
            points: whether to mark each value.
        """
        styles = {'method': (BLUE, '-'), 'twin': (ORANGE, '--')}
        words = {
            'method': 'with unlabeled images',
            'twin': 'labeled images only',
        }

        def draw(axis) -> None:
            for number, (name, steps, values) in enumerate(lines):
                color, dash = styles.get(name, (f'C{number + 2}', ':'))
                axis.plot(
                    steps,
                    values,
                    color=color,
                    linestyle=dash,
                    linewidth=2,
                    marker='o' if points or len(steps) == 1 else None,
                    markersize=4,
                    label=words.get(name, name),
                )
            axis.set_xlabel('iteration')
            axis.grid(color=_INK, alpha=0.12)
            axis.margins(y=0.12)
            axis.legend(frameon=False, labelcolor=_INK, fontsize=11)

        return self._svg(draw, (5.0, 3.2), title)

    def reliability(self, bins: Sequence[float | None]) -> str:
        """Share of right predictions over how sure the model was.

        Args:
            bins: percent right of each tenth of confidence, from 0.
        """
        known = [(k, v) for k, v in enumerate(bins) if v is not None]

        def draw(axis) -> None:
            axis.plot([0, 100], [0, 100], color=_INK, linestyle=':', alpha=0.6)
            axis.bar(
                [10 * k + 5 for k, _ in known],
                [value for _, value in known],
                width=9,
                color=BLUE,
            )
            axis.set_xlim(0, 100)
            axis.set_ylim(0, 100)
            axis.set_xlabel('how sure the model was, %')
            axis.set_ylabel('right, %')
            axis.grid(axis='y', color=_INK, alpha=0.12)

        return self._svg(
            draw, (5.0, 3.2), 'Share of right pixels by confidence'
        )

    def _svg(
        self,
        draw: Callable[[Any], None],
        size: tuple[float, float],
        title: str,
    ) -> str:
        from matplotlib import rc_context
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        settings = {
            'svg.fonttype': 'none',
            'svg.hashsalt': title,
            'font.size': 12,
            'axes.edgecolor': _INK,
            'axes.labelcolor': _INK,
            'text.color': _INK,
            'xtick.color': _INK,
            'ytick.color': _INK,
            'axes.spines.top': False,
            'axes.spines.right': False,
        }
        text = io.StringIO()
        with rc_context(settings), warnings.catch_warnings():
            # The page has fonts that matplotlib may lack.
            warnings.filterwarnings('ignore', 'Glyph')
            figure = Figure(figsize=size, dpi=_DPI, layout='constrained')
            FigureCanvasSVG(figure)
            draw(figure.subplots())
            figure.savefig(
                text,
                format='svg',
                transparent=True,
                metadata=dict(Date=None, Creator=None, Format=None, Type=None),
            )
        return _inline(text.getvalue(), f'c{next(self._numbers)}-', title)


def clipped(name: str, most: int = 24) -> str:
    """A name that leaves room for the picture."""
    return name if len(name) <= most else f'{name[: most - 1]}…'


def _inline(svg: str, prefix: str, title: str) -> str:
    """An SVG file as an element of a page.

    Args:
        svg: what matplotlib wrote.
        prefix: of all its ids.
        title: what it shows, our own words.
    """
    svg = svg[svg.index('<svg') :]
    head, body = svg.split('>', 1)
    width, height = re.search(
        r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head
    ).groups()
    body = re.sub(r'<metadata>.*?</metadata>', '', body, flags=re.S)
    body = re.sub(r'\bid="', f'id="{prefix}', body)
    body = re.sub(r'url\(#', f'url(#{prefix}', body)
    body = re.sub(r'xlink:href="#', f'href="#{prefix}', body)
    # Fonts are those of the page, and a style would be that of all of it.
    body = re.sub(r'font-family: [^;"]*; ?', '', body)
    body = re.sub(r'<style.*?</style>', '', body, flags=re.S)
    body = body.replace(_INK, 'currentColor')
    return (
        f'<svg class="chart" role="img" aria-label="{title}" '
        f'viewBox="0 0 {width} {height}" style="max-width:{width}px">{body}'
    )
