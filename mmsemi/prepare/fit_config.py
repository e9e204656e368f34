"""The config that a training on somebody's own images is run with.

It is text for a person to read and to edit, based on the configs that mmsemi
brings; nothing in it depends on where the folder of the run lies.
"""

import pprint
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mmsemi.models.pretrained import backbone_prefix

from .fit_methods import (
    ROUND_AUGMENT,
    RUNTIMES,
    STRONG,
    hooks_text,
    length_text,
    model_text,
)
from .fit_settings import NETWORKS, Setting

# Share of the training with all images that is the labeled-only one.
SHARED = 0.5
_POWER = 0.9  # of the learning rate's decay
_HEAD = """\
# {title}.
# Written by `mmsemi fit`. Edit what you like and run it with
# `mmsemi train {name}`.
_base_ = [
    {bases},
]
images = {images!r}
run = "{{{{ fileDirname }}}}/data"  # beside this file
classes = {classes}
palette = {palette}
data = dict(
    labeled=dict(
        type='BaseSegDataset',
        metainfo=dict(classes=classes, palette=palette),
        data_prefix=dict(img_path=images, seg_map_path=f'{{run}}/masks'),
        img_suffix='',  # lists name files with their endings
        seg_map_suffix='.png',
    ),
"""
_AUGMENT = """\
    augment=[
        dict(type='RandomScale', ratio_range=(0.75, 1.5)),
        dict(type='PadSegFields'),
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.5),
    ],
"""
_OPTIMIZER = """\
optim_wrapper = dict(
    type={wrapper!r},
    optimizer=dict(type='AdamW', lr={lr}, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={{'backbone': dict(lr_mult={backbone})}}),
)
param_scheduler = [
{warm_up}    dict(type='PolyLR', power={power}, eta_min=0.0, by_epoch=False),
]
"""
_END = """\
{length}default_hooks = dict(
    checkpoint=dict(interval={interval}, max_keep_ckpts=2),{keep}
)
randomness = dict(seed={seed})
"""
# With mmseg's 0.01 the first steps of a high learning rate push all features,
# none of which is negative, towards the most frequent class, and it takes
# hundreds more until another one is found.
_LAST_LAYER = """\
student.decode_head.init_cfg = dict(
    type='Normal', std=0.25, override=dict(name='conv_seg')
)
"""
_WARM_UP = """\
    dict(type='LinearLR', start_factor=0.1, begin=0, end=10, by_epoch=False),
"""
BEGIN = """\
# The first {shared} of {iters} iterations are those of the labeled-only model.
load_from = f'{{{folder}}}/../twin/iteration_{shared}.pth'
"""


@dataclass(frozen=True)
class OwnData:
    """What is somebody's own.

    Attributes:
        images: their folder, absolute.
        classes: names.
        palette: RGB of each.
        loading: facts about how images are loaded (``load``, ``mean``,
            ``std``), empty for the usual way.
        partly: whether there are images of which a part is labeled.
    """

    images: str
    classes: Sequence[str]
    palette: Sequence[Sequence[int]]
    loading: dict[str, Any] = field(default_factory=dict)
    partly: bool = False


def config_text(
    name: str,
    title: str,
    settings: dict[str, Setting],
    data: OwnData,
    iters: int,
    seed: int,
    labeled: str = 'labeled.txt',
    val: str | None = 'holdout.txt',
    load_from: str | None = None,
    alone: bool = False,
    shared: int = 0,
) -> str:
    """Text of a config.

    Args:
        name: of its file, for its first lines.
        title: what it trains.
        settings: see :func:`.fit_settings.choose_settings`. A model that
            has no name there is in ``network.py`` beside the config.
        data: images and classes.
        iters: iterations.
        seed: of the run.
        labeled: list of labeled images, below ``data`` of the run.
        val: list of images to measure on, None if there are none.
        load_from: plain checkpoint that training begins with, relative to
            ``data`` of the run.
        alone: train with the labeled images alone.
        shared: iterations, of all, that the training with all images does
            not do itself: it begins with the labeled-only model as that was
            then, which the latter keeps; 0 for none.
    """
    chosen = {key: setting.value for key, setting in settings.items()}
    if alone:
        chosen['method'] = 'supervised'
    method = chosen['method']
    begun = shared if method != 'supervised' else 0
    rate = chosen['lr']['head'] * (1 - begun / iters) ** _POWER
    keep = f'\n    weights=dict(at={shared}),' if shared > begun else ''
    bases = [
        NETWORKS.get(chosen['model'], './network.py'),
        f'mmsemi::_base_/{RUNTIMES[method]}_runtime.py',
    ]
    if method in STRONG:
        bases.append('mmsemi::_base_/strong_colors.py')
    parts = [
        _HEAD.format(
            title=title,
            name=name,
            bases=',\n    '.join(map(repr, bases)),
            images=data.images,
            classes=_pretty(list(data.classes)),
            palette=_pretty([list(map(int, rgb)) for rgb in data.palette]),
        ),
        _rest_of_data(chosen, data, labeled, val),
        _student(chosen, load_from, begun, iters),
        model_text(method),
        _OPTIMIZER.format(
            wrapper='AmpOptimWrapper' if chosen['amp'] else 'OptimWrapper',
            lr=float(f'{rate:.3g}'),
            warm_up='' if begun else _WARM_UP,
            power=_POWER,
            backbone=chosen['lr']['backbone'] / chosen['lr']['head'],
        ),
        _END.format(
            length=length_text(method, iters, begun),
            interval=max(iters // 4, 1),
            keep=keep,
            seed=seed,
        ),
        hooks_text(method, bool(chosen['class_weights'])),
    ]
    if val is None:
        parts.append(
            'val_cfg = None\nval_dataloader = None\nval_evaluator = None\n'
        )
    return ''.join(parts)


def names_partly(data: OwnData, method: str) -> bool:
    """Whether a config names the partly labeled images, for its method."""
    return data.partly and RUNTIMES[method] == 'online'


def _rest_of_data(
    chosen: dict[str, Any], data: OwnData, labeled: str, val: str | None
) -> str:
    lines = [f"lists=(f'{{run}}/{labeled}', f'{{run}}/unlabeled.txt')"]
    lines = [f'splits=dict(own=dict({lines[0]})),', "split='own',"]
    if val:
        lines.insert(0, f"val=dict(ann_file=f'{{run}}/{val}'),")
    if names_partly(data, chosen['method']):
        lines.append("partly_labeled=f'{run}/partly.txt',")
    for key, value in data.loading.items():
        lines.append(f'{key}={_pretty(value, 4)},')
    if chosen['resize']:
        side = chosen['resize']
        lines.append('# The long side of images; labels are resized, too.')
        lines.append(
            f"resize=[dict(type='Resize', scale=({side}, {side}), "
            'keep_ratio=True)],'
        )
    height, width = chosen['crop_size']
    lines.append(f'crop_size=({height}, {width}),  # height, width')
    text = ''.join(f'    {line}\n' for line in lines) + _AUGMENT
    if chosen['method'] in STRONG:
        text += '    strong=_base_.strong,\n'
    if chosen['method'] == 'unimatch':
        text += '    views=2,\n'
    sizes = dict(chosen['batch'])
    if chosen['method'] == 'dst_cbc':
        text += ROUND_AUGMENT
        sizes['label'] = 1
    batch = ', '.join(f'{k}={v}' for k, v in sizes.items())
    return (
        text
        + f'    batch=dict({batch}),\n    num_workers='
        + f'{chosen["num_workers"]},\n    val_workers=0,\n)\n'
    )


def _student(
    chosen: dict[str, Any], load_from: str | None, shared: int, iters: int
) -> str:
    text = "criterion = dict(type='ClassBalancedCrossEntropyLoss')\n"
    if chosen['class_weights']:
        text += (
            f'criterion.update(\n    mode={chosen["class_weights"]!r}, '
            "class_frequency='labeled'\n)\n"
        )
    text += (
        'student = _base_.model\nstudent.decode_head.loss_decode = criterion\n'
    )
    if chosen['model'] == 'unet':
        text += _LAST_LAYER
    if shared:
        text += BEGIN.format(shared=shared, iters=iters, folder='run')
    elif load_from:
        text += f"load_from = f'{{run}}/{load_from}'\n"
    elif chosen['weights']:
        prefix = backbone_prefix(chosen['weights'])
        text += (
            'student.backbone.init_cfg = dict(\n'
            f"    type='Pretrained',\n    checkpoint={chosen['weights']!r},\n"
            + f'    prefix={prefix!r},\n' * bool(prefix)
            + ')\n'
        )
    return text


def _pretty(value: Any, indent: int = 0) -> str:
    text = pprint.pformat(value, width=72 - indent, compact=True)
    return text.replace('\n', '\n' + ' ' * indent)
