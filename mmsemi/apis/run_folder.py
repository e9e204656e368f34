"""What a folder of a run holds that later commands need."""

from pathlib import Path
from typing import Any, NamedTuple

from mmsemi.engine.checkpoints import newest_whole
from mmsemi.prepare.encoding import Encoding
from mmsemi.prepare.masks import ENCODING, read_encoding
from mmsemi.report.own_data.run_folder import FACTS, read_facts
from mmsemi.utils.errors import UsageError

SEGMENTOR = 'segmentor'


class Run(NamedTuple):
    """A trained model and what is known of its data.

    Attributes:
        folder: of the run.
        config: of the model, of mmsemi or plain MMSegmentation.
        checkpoint: its weights.
        facts: content of ``fit.json``; empty where ``fit`` made no such run.
        encoding: of the masks it learned from; None where nobody wrote it
            down.
    """

    folder: Path
    config: Path
    checkpoint: Path
    facts: dict[str, Any]
    encoding: Encoding | None


def open_run(run: str | Path) -> Run:
    """Find the model of a run.

    Args:
        run: folder that ``fit`` or a training made, folder of a training
            with MMSegmentation, or a checkpoint with a config of the same
            name beside it.

    Raises:
        UsageError: saying what is missing.
    """
    place = Path(run).expanduser()
    if place.is_file():
        if place.suffix != '.pth':
            raise UsageError(
                f'{place}: not a checkpoint. Give the folder of a run, or a '
                '*.pth with a config of the same name beside it'
            )
        config = place.with_suffix('.py')
        if not config.is_file():
            raise UsageError(
                f'{place}: there is no {config.name} beside it. Give the '
                'folder of the run'
            )
        return Run(place.parent, config, place, *_data_of(place.parent))
    if not place.is_dir():
        raise UsageError(
            f'{place}: no such run. Give the folder that mmsemi fit or '
            'mmsemi train wrote'
        )
    checkpoint = place / f'{SEGMENTOR}.pth'
    config = checkpoint.with_suffix('.py')
    if not (checkpoint.is_file() and config.is_file()):
        config, checkpoint = _training(place, checkpoint, config)
    return Run(place, config, checkpoint, *_data_of(place))


def _training(
    folder: Path, checkpoint: Path, config: Path
) -> tuple[Path, Path]:
    """Config and newest checkpoint of a folder without exported model."""
    for here, other in ((checkpoint, config), (config, checkpoint)):
        if here.is_file():
            raise UsageError(
                f'{folder}: there is {here.name}, but {other.name} is '
                'missing. Bring it back; the two belong together'
            )
    if (folder / FACTS).is_file():
        raise UsageError(
            f'{folder}: no {checkpoint.name} in it, so mmsemi fit has not '
            'finished. Run the same command with --resume'
        )
    configs = sorted(folder.glob('*.py'))
    newest = newest_whole(folder, lambda _: None)
    if newest is None or not configs:
        missing = 'checkpoint' if newest is None else 'config'
        raise UsageError(
            f'{folder}: no {checkpoint.name} and no {missing} of a training '
            'in it. Give the folder that mmsemi fit or mmsemi train wrote'
        )
    if len(configs) > 1:
        raise UsageError(
            f'{folder}: several configs ({configs[0].name}, '
            f'{configs[1].name}), so it is unknown which belongs to '
            f'{newest.name}. Keep one there'
        )
    return configs[0], newest


def _data_of(folder: Path) -> tuple[dict[str, Any], Encoding | None]:
    """Facts of ``fit`` and the encoding of masks, as far as there are any."""
    facts = read_facts(folder)
    path = folder / str(facts.get('encoding') or f'data/{ENCODING}')
    return facts, read_encoding(path.parent) if path.is_file() else None
