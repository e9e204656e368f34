"""Metafiles of the configs, from the configs and from what was measured.

``python docs/generate_metafiles.py`` writes ``configs/*/metafile.yml``.
``about.json`` beside each says what a config cannot: the paper, and the
figures it published. ``docs/results.json`` holds what was measured here, each
with command, date and machine. Whether a config was trained follows from it.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config
from mmengine.registry import init_default_scope

ROOT = Path(__file__).resolve().parents[1]
NOT_TRAINED = 'not trained here'


def measured() -> dict[str, list[dict]]:
    """Results by the config they were measured with."""
    found: dict[str, list[dict]] = {}
    for result in json.loads((ROOT / 'docs/results.json').read_text()):
        found.setdefault(result['config'], []).append(result)
    return found


def model_entry(name: str, facts: dict, collection: str) -> dict[str, Any]:
    """Entry of a config, ``u2pl/voc_1464``."""
    from mmsemi.datasets.facts import settle_variant
    from mmsemi.datasets.splits_table import choose_split

    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    data = settle_variant(cfg.data.to_dict())
    found = choose_split(data)
    metadata = {
        key: value for key, value in facts.items() if key != 'collection'
    }
    for key in ('labeled', 'unlabeled'):
        if found.get(key):
            metadata[f'{key.title()} Images'] = found[key]
    if data.get('zero_label'):
        seen, classes = (
            data['zero_label'][key] for key in ('num_seen', 'classes')
        )
        metadata['Seen Classes'] = seen
        metadata['Unseen Classes'] = len(classes) - seen
    results = measured().get(name, [])
    metadata['Status'] = 'measured' if results else NOT_TRAINED
    entry: dict[str, Any] = dict(
        Name=name.replace('/', '_'),
        **{
            'In Collection': collection,
            'Config': f'configs/{name}.py',
            'Metadata': metadata,
        },
    )
    if results:
        entry['Results'] = [
            dict(
                Task='Semantic Segmentation',
                Dataset=' '.join(
                    filter(None, (facts['Training Data'], one.get('split')))
                ),
                Metrics={one['metric']: one['mean']},
            )
            for one in results
        ]
    return entry


def metafile(folder: Path) -> str:
    """Content of the metafile of a folder of configs."""
    about = json.loads((folder / 'about.json').read_text())
    usual = about['collections'][0]['Name']
    models = [
        model_entry(
            f'{folder.name}/{name}', facts, facts.get('collection', usual)
        )
        for name, facts in about['models'].items()
    ]
    content = dict(Collections=about['collections'], Models=models)
    return '# Written by docs/generate_metafiles.py.\n' + yaml.safe_dump(
        content,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=1000,
    )


def folders() -> list[Path]:
    """Folders of configs."""
    return sorted(path.parent for path in ROOT.glob('configs/*/about.json'))


if __name__ == '__main__':
    sys.path.insert(0, str(ROOT))
    init_default_scope('mmsemi')
    # Numbers of images are those that configs say, on any machine: where
    # there are no lists, none is counted.
    with tempfile.TemporaryDirectory() as nowhere:
        os.chdir(nowhere)
        for place in folders():
            path = place / 'metafile.yml'
            path.write_text(metafile(place), encoding='utf-8')
        os.chdir(ROOT)
