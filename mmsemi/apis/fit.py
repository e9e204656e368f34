"""From two folders to a trained model, masks for all images, and a report.

It trains nothing itself: it writes configs and runs them.
"""

import re
import shlex
import sys
import time as clock
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmsemi.doctor.findings import as_data
from mmsemi.engine.trial import seconds_per_step
from mmsemi.io.files import write_text
from mmsemi.io.lock import FolderLock
from mmsemi.io.package_configs import find_config
from mmsemi.prepare.fit_config import OwnData, config_text
from mmsemi.prepare.fit_settings import (
    NETWORKS,
    Setting,
    choose_settings,
    device_kind,
    lines_of,
)
from mmsemi.prepare.masks import keep_apart
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import format_seconds
from mmsemi.version import __version__

from .config import load_config
from .doctor import doctor
from .fit_data import plan_data, write_data
from .fit_run import (
    CONFIG,
    NETWORK,
    TRAIN,
    TWIN,
    TWIN_CONFIG,
    check_out,
    earlier_run,
    put_aside,
    read_facts,
    read_names,
    what_changed,
    write_facts,
)
from .train import train

_TIME = '20m'
_FEWEST, _MOST = 100, 40_000
_TRAINED = 0.85  # share of the time that goes into training


def fit(
    images: str,
    masks: str,
    out: str,
    mask_suffix: str = '',
    classes: str | None = None,
    ignore_value: str = '255',
    background: str = 'class',
    val: str | None = None,
    method: str = 'auto',
    model: str = 'auto',
    weights: str | None = None,
    time: str | None = None,
    iters: int | None = None,
    twin: bool = True,
    confidence: bool = False,
    seed: int = 0,
    resume: bool = False,
) -> Path:
    """Train with two folders, and segment every image.

    Looks at the data as :func:`.doctor.doctor` does, chooses settings and
    says why, writes configs, trains, also with the labeled images alone,
    and compares the two. Nothing in the two folders is changed. What is in
    ``out`` afterwards is said in the documentation. The same call with more
    or corrected masks trains again, from the model there is.

    Args:
        images: folder of images.
        masks: folder of masks, or a COCO JSON file. An image without a mask
            is unlabeled.
        out: folder of the run.
        mask_suffix: see :func:`.doctor.doctor`, as are the next three.
        classes: names.
        ignore_value: of pixels that belong to no class.
        background: ``class`` or ``ignore``.
        val: images to measure on, a list or a folder below ``images``; by
            default some of the labeled images are held out.
        method: how to learn from unlabeled images, or ``auto``.
        model: ``small``, ``unet``, a config with a model, or ``auto``.
        weights: checkpoint that the backbone starts from.
        time: time for all training, such as ``30m`` or ``2h``; 20 minutes
            by default.
        iters: iterations of each training, instead.
        twin: train with the labeled images alone, too, to see what the
            unlabeled ones gain.
        confidence: write how sure the model is of each pixel, too.
        seed: of draws and trainings.
        resume: go on with a run that was stopped.

    Returns:
        The folder of the run.

    Raises:
        UsageError: if something is wrong with what was given.
        Interrupted: after SIGTERM or Ctrl-C, when the state is saved.
    """
    run = Path(out)
    for folder in (images, masks):
        keep_apart(run, folder)
    check_out(run)
    budget = seconds_of(time or _TIME)
    if iters is not None and iters < 1:
        raise UsageError(f'--iters must be at least 1, got {iters}')
    wish = dict(
        images=str(Path(images).absolute()),
        masks=str(Path(masks).absolute()),
        mask_suffix=mask_suffix,
        classes=classes,
        ignore_value=ignore_value,
        background=background,
        val=val,
        method=method,
        model=model,
        weights=weights and str(Path(weights).absolute()),
        time=time,
        iters=iters,
        twin=twin,
        seed=seed,
    )
    if weights and not Path(weights).is_file():
        raise UsageError(f'--weights {weights}: no such file')
    with FolderLock(run):
        facts = read_facts(run)
        if facts and resume:
            _check_same(facts['wish'], wish)
        elif resume:
            raise UsageError(
                f'nothing to resume: {run} holds no run. Start it without '
                '--resume'
            )
        else:
            facts = _begin(run, wish, facts, budget)
        _train(run, facts)
        _finish(run, facts, confidence)
    return run


def seconds_of(text: str) -> float:
    """``90s``, ``30m`` or ``2h`` in seconds.

    Raises:
        UsageError: if it is none of these.
    """
    found = re.fullmatch(r'(\d+(?:\.\d+)?)\s*([smh])', text.strip())
    if not found or float(found[1]) == 0:
        raise UsageError(f'--time {text}: give a time such as 90s, 30m or 2h')
    return float(found[1]) * dict(s=1, m=60, h=3600)[found[2]]


def _check_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    changed = [key for key in now if now[key] != before.get(key)]
    if changed:
        key = changed[0]
        raise UsageError(
            f'cannot resume: --{key.replace("_", "-")} was {before.get(key)} '
            f'when the run began, and is {now[key]}. Resume with the same '
            'options, or start another run with another --out'
        )


def _begin(
    run: Path, wish: dict[str, Any], before: dict[str, Any], budget: float
) -> dict[str, Any]:
    """Look at the data, choose settings, write everything down."""
    diagnosis = doctor(
        wish['images'],
        wish['masks'],
        wish['mask_suffix'],
        wish['classes'],
        wish['ignore_value'],
        wish['background'],
    )
    _say(diagnosis.text())
    earlier = run if before else earlier_run(run)
    held = read_names(earlier, 'holdout') if earlier else []
    plan = plan_data(
        diagnosis, wish['images'], wish['val'], wish['seed'], held
    )
    if before:
        _check_changed(run, before, plan.record)
    settings = choose_settings(
        plan.facts,
        wish['method'],
        wish['model'],
        wish['weights'],
        device_kind(),
    )
    network = _network_text(wish['model'])
    twin = wish['twin'] and settings['method'].value != 'supervised'
    # Nothing was written so far.
    if before:
        earlier = put_aside(run)
    load_from = _model_to_begin_with(earlier, plan.record['classes'])
    folders = (wish['images'], wish['masks'])
    _say_snapped(write_data(plan, diagnosis, run, folders))
    if network:
        write_text(run, NETWORK, network)
    _say('\nSettings\n' + '\n'.join(lines_of(list(settings.values()))))

    def write(iters: int) -> None:
        for name, alone in ((CONFIG, False), (TWIN_CONFIG, True)):
            if alone and not twin:
                continue
            text = config_text(
                name,
                _title(alone or settings['method'].value == 'supervised'),
                settings,
                OwnData(
                    wish['images'],
                    plan.record['classes'],
                    plan.record['palette'],
                ),
                iters,
                wish['seed'],
                load_from=load_from,
                alone=alone,
            )
            write_text(run, name, text)

    write(_FEWEST)
    iterations = _iterations(run, wish['iters'], budget, twin)
    write(iterations.value)
    settings['iterations'] = iterations
    return write_facts(
        run,
        version=__version__,
        date=clock.strftime('%Y-%m-%d %H:%M'),
        command=shlex.join(['mmsemi', *sys.argv[1:]]),
        wish=wish,
        images=wish['images'],
        masks=wish['masks'],
        seed=wish['seed'],
        **plan.record,
        settings=[vars(setting) for setting in settings.values()],
        findings=as_data(plan.findings),
        twin=twin,
        earlier=earlier and str(earlier.relative_to(run)),
    )


def _title(alone: bool) -> str:
    images = 'images with masks' if alone else 'images with and without masks'
    return f'A model of your {images}'


def _check_changed(
    run: Path, before: dict[str, Any], now: dict[str, Any]
) -> None:
    """There must be reason to train again."""
    if not before.get('finished'):
        raise UsageError(
            f'{run} holds a run that was stopped. Go on with --resume, or '
            'choose another --out'
        )
    changed = what_changed(before['masks_seen'], now['masks_seen'])
    if not changed:
        raise UsageError(
            f'{run} holds a finished run with the same masks. Add or correct '
            'masks to train again, or choose another --out'
        )
    _say('since the run before: ' + ', '.join(changed))


def _model_to_begin_with(
    earlier: Path | None, classes: list[str]
) -> str | None:
    """That of the run before, if its classes are the same."""
    if earlier is None or not (earlier / 'segmentor.pth').exists():
        return None
    if read_facts(earlier)['classes'] != classes:
        _say('the classes are others than before, so training starts anew')
        return None
    return str((earlier / 'segmentor.pth').absolute())


def _say_snapped(shares: dict[str, float]) -> None:
    if shares:
        name = max(shares, key=lambda key: shares[key])
        _say(
            f'{len(shares)} masks held values between those of classes; the '
            f'nearest was taken, in {name} for {shares[name]:.1%} of the '
            'pixels'
        )


def _network_text(model: str) -> str:
    """A config with nothing but the network of another config."""
    if model == 'auto' or model in NETWORKS:
        return ''
    cfg = load_config(find_config(model))
    network = cfg.get('model') or {}
    network = network.get('student', network)
    if not isinstance(network.get('decode_head'), dict):
        raise UsageError(
            f'--model {model}: this config has no model with one decode_head'
        )
    return Config(dict(model=network)).pretty_text


def _iterations(
    run: Path, iters: int | None, budget: float, twin: bool
) -> Setting:
    """As many as fit in the time, after a few were timed."""
    if iters is not None:
        return Setting('iterations', iters, 'as you said')
    names = [CONFIG, TWIN_CONFIG] if twin else [CONFIG]
    seconds = [seconds_per_step(load_config(str(run / n))) for n in names]
    number = int(budget * _TRAINED / sum(seconds))
    number = max(_FEWEST, min(number, _MOST))
    times = ' and '.join(f'{value:.2f} s' for value in seconds)
    setting = Setting(
        'iterations',
        number,
        f'a step takes {times}{" (labeled only)" * twin}; that makes about '
        f'{format_seconds(number * sum(seconds))} of training',
    )
    _say('\n'.join(lines_of([setting])))
    return setting


def _train(run: Path, facts: dict[str, Any]) -> None:
    for config, folder in ((TWIN_CONFIG, TWIN), (CONFIG, TRAIN)):
        if config == TWIN_CONFIG and not facts['twin']:
            continue
        what = 'labeled images alone' if folder == TWIN else 'all images'
        _say(f'\nTraining with {what} ({run / folder})')
        train(
            str(run / config),
            work_dir=str(run / folder),
            resume=(run / folder / 'run.json').exists(),
        )


def _finish(run: Path, facts: dict[str, Any], confidence: bool) -> None:
    pass


def _say(text: str) -> None:
    print(text, flush=True)
