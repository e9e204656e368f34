"""Fill in what tables of configs and results say of configs and results.

    python docs/generate_tables.py

In the tables of ``configs/*/README.md`` numbers of images and iterations come
from the configs, and measured figures from ``docs/results.json``; what people
wrote in other columns stays. The table at the end of ``docs/results.md`` has
every figure with its date.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = '<!-- figures -->', '<!-- end of figures -->'
_LINK = re.compile(r'\[[^]]+\]\(([^)/]+)\.py\)')


def results() -> list[dict]:
    """What was measured."""
    return json.loads((ROOT / 'docs/results.json').read_text())


def facts(name: str) -> dict[str, str]:
    """Cells of a config by the heads of their columns."""
    from mmsemi.datasets.facts import settle_variant
    from mmsemi.datasets.splits_table import choose_split
    from mmsemi.engine.build import resolve

    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    found = {}
    if 'data' in cfg:
        split = choose_split(settle_variant(cfg.data.to_dict()))
        found = {key: split.get(key) for key in ('labeled', 'unlabeled')}
    loop = resolve(cfg).get('train_cfg') or {}
    found['iterations'] = loop.get('max_iters')
    found['iterations of round 0'] = loop.get('supervised_iters')
    each = loop.get('iters_per_round')
    found['of each round'] = found['iterations of each round'] = each
    figures = [
        f'{one["mean"]}' + (f' ({one["split"]})' if one.get('split') else '')
        for one in results()
        if one['config'] == name and one['metric'] == 'mIoU'
    ]
    if figures:
        found['status'] = f'[{", ".join(figures)}](../../docs/results.md)'
    return {key: str(value) for key, value in found.items() if _is_cell(value)}


def _is_cell(value) -> bool:
    return isinstance(value, (int, str))


def filled(text: str, folder: str) -> str:
    """A page with the cells of its tables of configs filled in.

    Only rows of a single config, and numbers in place of numbers: a cell
    with words says something a config does not.
    """
    lines, heads = text.split('\n'), None
    for at, line in enumerate(lines):
        if not line.startswith('|'):
            heads = None
            continue
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if heads is None:
            heads = cells
        links = _LINK.findall(cells[0])
        if len(links) != 1 or len(cells) != len(heads):
            continue
        known = facts(f'{folder}/{links[0]}')
        for k, head in enumerate(heads):
            if head == 'status' and head in known:
                words = re.split(', measured:|; results in', cells[k])[0]
                cells[k] = f'{words}, measured: {known[head]}'
            elif head in known and cells[k].isdigit():
                cells[k] = known[head]
        lines[at] = f'| {" | ".join(cells)} |'
    return '\n'.join(lines)


def figures() -> str:
    """The table of all results."""
    lines = [
        '| config | split | metric | seeds | mean | measured |',
        '|---|---|---|---|---|---|',
    ]
    for one in results():
        seeds = ', '.join(map(str, one['seeds']))
        lines.append(
            f'| [{one["config"]}](../configs/{one["config"]}.py) | '
            f'{one.get("split", "-")} | {one["metric"]} | {seeds} | '
            f'{one["mean"]} | {one["date"]}, {one["machine"]} |'
        )
    return '\n'.join(lines)


def pages() -> dict[Path, str]:
    """Content of every page with such tables."""
    here = os.getcwd()
    found = {}
    # Numbers of images are those that configs say, on any machine.
    with tempfile.TemporaryDirectory() as nowhere:
        os.chdir(nowhere)
        try:
            for path in sorted(ROOT.glob('configs/*/README.md')):
                found[path] = filled(path.read_text(), path.parent.name)
        finally:
            os.chdir(here)
    path = ROOT / 'docs/results.md'
    before, _, rest = path.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    found[path] = f'{before}{BEGIN}\n{figures()}\n{END}{after}'
    return found


if __name__ == '__main__':
    sys.path.insert(0, str(ROOT))
    init_default_scope('mmsemi')
    for path, text in pages().items():
        path.write_text(text, encoding='utf-8')
