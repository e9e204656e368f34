"""The report of a run on somebody's own data."""

from pathlib import Path

from mmsemi.io.files import write_json, write_text
from mmsemi.report.own_data.charts import MOST, Charts
from mmsemi.report.own_data.class_shares import hex_color
from mmsemi.report.own_data.facts import collect
from mmsemi.report.own_data.gallery import read_gallery
from mmsemi.report.own_data.page import render
from mmsemi.report.own_data.pictures import change_legend, shots
from mmsemi.report.own_data.run_folder import RunFolder

PAGE, FACTS = 'report.html', 'report.json'


def write_report(run: str | Path) -> Path:
    """Write ``report.html`` and ``report.json`` into a run.

    The page is complete in itself: it loads nothing and runs no script.

    Args:
        run: folder that ``mmsemi fit`` wrote, with ``holdout.json`` of
            :func:`mmsemi.apis.holdout.evaluate_holdout`.

    Returns:
        The page.

    Raises:
        UsageError: if the run cannot be read or the page not be written.
    """
    folder = RunFolder(run)
    facts = collect(folder)
    write_json(folder.path, FACTS, facts)
    charts = Charts()
    colors = [hex_color(color) for color in folder.palette]
    gain = facts['means'].get('gain')
    groups = shots(
        read_gallery(folder),
        folder.classes,
        folder.palette,
        facts['verdict']['recommended'],
    )
    typical = [g for g in groups if g['reason'] == 'typical']
    page = render(
        dict(
            facts,
            typical=typical[0] if typical else None,
            colors=colors,
            legend=[
                dict(name=name, color=color)
                for name, color in zip(folder.classes, colors)
            ],
            change_legend=change_legend(facts['compared']),
            gallery=[g for g in groups if g not in typical],
            most_shown=MOST,
            gain_chart=charts.gains(facts['rows'], gain) if gain else '',
            trust_chart=charts.reliability(facts['trust']['bins'])
            if facts['trust']
            else '',
            curve_charts=[
                dict(
                    title=panel['title'],
                    svg=charts.curve(
                        panel['title'], panel['lines'], panel['points']
                    ),
                )
                for panel in facts['curves']
            ],
        )
    )
    write_text(folder.path, PAGE, page)
    return folder.path / PAGE
