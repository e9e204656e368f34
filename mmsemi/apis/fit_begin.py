"""What a run on somebody's own images is to be: settings and configs."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from mmsemi.doctor.findings import as_data, as_text
from mmsemi.io.files import write_text
from mmsemi.prepare.fit_config import (
    SHARED,
    OwnData,
    config_text,
    names_partly,
)
from mmsemi.prepare.fit_settings import (
    Setting,
    choose_settings,
    device_kind,
    lines_of,
)
from mmsemi.report.own_data.run_folder import read_facts, read_names
from mmsemi.utils.errors import UsageError
from mmsemi.version import __version__

from .doctor import doctor
from .fit_data import Plan, loading_of, plan_data, write_data
from .fit_folds import offer, write_folds
from .fit_network import network_text
from .fit_run import (
    CONFIG,
    DATA,
    NETWORK,
    TWIN_CONFIG,
    below,
    earlier_runs,
    put_aside,
    say,
    what_changed,
    write_facts,
)
from .fit_trial import FEWEST, Tried, try_out
from .unlike import unlike_labeled


def begin(
    run: Path,
    wish: dict[str, Any],
    before: dict[str, Any],
    budget: float,
    command: str,
) -> dict[str, Any]:
    """Look at the data, choose settings, write everything down."""
    diagnosis = doctor(
        wish['images'],
        wish['masks'],
        wish['mask_suffix'],
        wish['classes'],
        wish['ignore_value'],
        wish['background'],
        wish['labeled_classes'],
    )
    say(diagnosis.text())
    earlier = run if before else next(iter(earlier_runs(run)[::-1]), None)
    held = read_names(earlier, 'holdout') if earlier else []
    plan = plan_data(
        diagnosis,
        wish['images'],
        wish['val'],
        wish['seed'],
        held,
        wish['cross_validate'],
        unlike_labeled(diagnosis) if wish['method'] == 'auto' else (),
    )
    # Of images held out; the rest was said above.
    said = as_text([f for f in plan.findings if f not in diagnosis.findings])
    if said:
        say(said)
    if before:
        _check_changed(run, before, plan.record)
    settings = choose_settings(
        plan.facts,
        wish['method'],
        wish['model'],
        wish['weights'],
        device_kind(),
    )
    loading, why = loading_of(diagnosis)
    if loading:
        bands = loading['load']['bands']
        settings['loading'] = Setting('loading', f'{bands} bands', why)
    if aside := plan.lists.get('aside'):
        settings['aside'] = Setting(
            'aside',
            f'{len(aside)} images',
            'look like none with a mask, so labels for them would be guesses; '
            '--method NAME learns from them, too',
        )
    network = network_text(wish['model'])
    twin = wish['twin'] and settings['method'].value != 'supervised'
    # Nothing was written so far.
    if before:
        earlier = put_aside(run)
    load_from = _model_to_begin_with(
        run, earlier, plan, settings, network, wish['weights']
    )
    if load_from:
        old = os.path.normpath(os.path.join(DATA, load_from))
        settings['weights'] = Setting(
            'weights', old, 'training goes on from the model of the run before'
        )
        settings['lr'] = replace(
            settings['lr'], reason='as when training starts anew'
        )
    folders = (wish['images'], wish['masks'])
    _say_snapped(write_data(plan, diagnosis, run, folders))
    if network:
        write_text(run, NETWORK, network)
    say('\nSettings\n' + '\n'.join(lines_of(list(settings.values()))))

    own = OwnData(
        wish['images'],
        plan.record['classes'],
        plan.record['palette'],
        loading,
        'partly' in plan.lists,
    )

    def write(iters: int, shared: int = 0) -> None:
        for name, alone in ((CONFIG, False), (TWIN_CONFIG, True)):
            if alone and not twin:
                continue
            text = config_text(
                name,
                _title(alone or settings['method'].value == 'supervised'),
                settings,
                own,
                iters,
                wish['seed'],
                val=None if plan.folds else 'holdout.txt',
                load_from=load_from,
                alone=alone,
                shared=shared,
            )
            write_text(run, name, text)

    write(FEWEST)
    configs = [CONFIG, TWIN_CONFIG] if twin else [CONFIG]
    in_rounds = settings['method'].value == 'dst_cbc'
    tried = try_out(
        *(run, configs, wish['iters'], budget, len(plan.folds)),
        2 * plan.facts.unlabeled * in_rounds,
    )
    settings.update({setting.name: setting for setting in tried.settings})
    shared = int(SHARED * tried.iterations) if twin else 0
    if shared:
        settings['shared'] = Setting(
            'shared',
            shared,
            'iterations that both trainings have in common: those of labeled '
            'images alone, until the model can label others',
        )
    found = len(tried.settings) + bool(shared)
    lines = lines_of(list(settings.values()))  # with the width of all
    say('\n'.join(lines[-found:]))
    write(tried.iterations, shared)
    write_folds(
        *(run, plan.folds, configs, tried.iterations, shared),
        names_partly(own, settings['method'].value),
    )
    if not plan.folds and wish['val'] is None:
        _offer(plan, len(configs), tried)
    return write_facts(
        run,
        version=__version__,
        date=time.strftime('%Y-%m-%d %H:%M'),
        versions=dict(mmsemi=__version__, torch=torch.__version__),
        machine=dict(device=device_kind(), cores=os.cpu_count()),
        command=command,
        wish=wish,
        images=wish['images'],
        masks=wish['masks'],
        seed=wish['seed'],
        **plan.record,
        settings=[vars(setting) for setting in settings.values()],
        findings=as_data(plan.findings),
        twin=twin,
        shared=shared,
        folds=len(plan.folds),
        earlier=earlier and str(earlier.relative_to(run)),
    )


def _offer(plan: Plan, kinds: int, tried: Tried) -> None:
    held = len(plan.lists['holdout'])
    line = offer(len(plan.pairs), held, kinds, tried.iterations, tried.seconds)
    if line:
        say(line)


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
    say('since the run before: ' + ', '.join(changed))


def _model_to_begin_with(
    run: Path,
    earlier: Path | None,
    plan: Plan,
    settings: dict[str, Setting],
    network: str,
    weights: str | None,
) -> str | None:
    """That of the run before, seen from ``data``, unless it would mislead.

    Args:
        run: folder of the run.
        earlier: folder of the run before.
        plan: of the data.
        settings: of this run.
        network: text of its ``network.py``.
        weights: that a person named.
    """
    if earlier is None or not (earlier / 'segmentor.pth').exists():
        return None
    learned = {
        name
        for old in earlier_runs(run)
        for name in read_names(old, 'labeled')
    }
    why = ''
    before = read_facts(earlier)
    values = {key: setting.value for key, setting in settings.items()}
    if _network_of(before, earlier) != (*_parts_of(values), network):
        why = 'the network is another one than before'
    elif weights and weights != before['wish'].get('weights'):
        why = f'{weights} is to be begun with'
    elif before['classes'] != plan.record['classes']:
        why = 'the classes are others than before'
    elif plan.folds or learned & set(plan.lists['holdout']):
        why = 'the last model has seen the masks of images to measure on'
    if why:
        say(f'{why}, so training starts anew')
        return None
    return below(str(earlier / 'segmentor.pth'), str(run / DATA))


def _network_of(facts: dict[str, Any], folder: Path) -> tuple:
    """What has to be equal in two runs with one network."""
    file = folder / NETWORK
    text = file.read_text(encoding='utf-8') if file.is_file() else ''
    return *_parts_of({s['name']: s['value'] for s in facts['settings']}), text


def _parts_of(values: dict[str, Any]) -> tuple:
    return values.get('model'), values.get('loading', '3 bands')


def _say_snapped(shares: dict[str, float]) -> None:
    if shares:
        name = max(shares, key=lambda key: shares[key])
        say(
            f'{len(shares)} masks held values between those of classes; the '
            f'nearest was taken, in {name} for {shares[name]:.1%} of the '
            'pixels'
        )
