"""The number of bands of a config's images, in all its networks."""

import inspect

from mmengine.config import Config

from mmsemi.registry import MODELS, TRANSFORMS, class_of, is_type
from mmsemi.utils.errors import UsageError

from .student_config import NETWORKS, dicts

# Transforms of images with three colors only.
COLOR_ONLY = (
    'PhotoMetricDistortion',
    'RGB2Gray',
    'CLAHE',
    'RandomIntensityAug',
)
# Of these, those whose meaning is to take colors away: others have none.
LEFT_OUT = ('RandomGrayscale',)


def fit_bands(cfg: Config, data: dict) -> None:
    """Let networks take the bands that are loaded, normalized as stated.

    ``data.load.bands`` says how many there are, ``data.mean`` and
    ``data.std`` their statistics from 0 to 255, three of them as R, G, B. The
    first layer is made for them; weights for colors are adapted when they
    are loaded, see :func:`mmsemi.models.input_bands.adapt_bands`.

    Args:
        cfg: config with networks that are written out, changed in place.
        data: facts of the data.

    Raises:
        UsageError: if statistics are missing, or a transform needs colors.
    """
    load = data.get('load') or {}
    bands = 3
    if is_type(load, TRANSFORMS, 'LoadAnyImage'):
        bands = load.get('bands', 3)
    statistics = {k: data[k] for k in ('mean', 'std') if data.get(k)}
    for name, values in statistics.items():
        if len(values) != bands:
            raise UsageError(
                f'data.{name} has {len(values)} numbers for images of '
                f'{bands} bands. Give one for each band, from 0 to 255'
            )
    if bands != 3 and len(statistics) < 2:
        raise UsageError(
            f'data.load.bands={bands} needs data.mean and data.std, one '
            'number for each band. Measure them with mmsemi.prepare.'
            'band_statistics.measure_statistics'
        )
    if bands != 3:
        check_transforms(cfg, bands)
        statistics.update(bgr_to_rgb=False, rgb_to_bgr=False)
    model = cfg.get('model')
    if not statistics or not isinstance(model, dict):
        return
    networks = [model[key] for key in NETWORKS if key in model] or [model]
    for network in networks:
        if not isinstance(network, dict) or 'backbone' not in network:
            continue
        normalize = network.setdefault(
            'data_preprocessor', dict(type='SegDataPreProcessor')
        )
        normalize.update(statistics)
        if bands not in (1, 3):
            normalize['type'] = 'BandsDataPreprocessor'
        if bands != 3:
            network['backbone'] = of_bands(network['backbone'], bands)
    own = model.get('data_preprocessor')
    if own and any(part in own for part in ('mean', 'std', 'bgr_to_rgb')):
        own.update(statistics)  # changes to those of the networks


def of_bands(backbone: dict, bands: int) -> dict:
    """Config of a backbone for so many bands, changed in place if it can."""
    if is_type(backbone, MODELS, 'BackboneOfBands'):
        backbone['bands'] = bands
        return backbone
    named = [p for p in dicts(backbone) if p.get('in_channels') == 3]
    if not named and _takes_colors(backbone):
        named = [backbone]
    for part in named:
        part['in_channels'] = bands
    if named or backbone.get('in_channels') == bands:
        return backbone
    # Where whoever looks for weights looks.
    outside = {k: backbone.pop(k) for k in ('init_cfg',) if k in backbone}
    return dict(
        type='BackboneOfBands', bands=bands, backbone=backbone, **outside
    )


def _takes_colors(backbone: dict) -> bool:
    """Whether a backbone has ``in_channels``, 3 by default."""
    kind = class_of(backbone.get('type'), MODELS)
    for base in getattr(kind, '__mro__', ()):
        if '__init__' in vars(base):
            found = inspect.signature(base.__init__).parameters
            if 'in_channels' in found:
                return found['in_channels'].default == 3
    return False


def check_transforms(cfg: Config, bands: int) -> None:
    """Leave out what takes colors away, stop at what needs three."""
    for key in [key for key in cfg if key.endswith('dataloader')]:
        for part in list(dicts(cfg[key])):
            for name in COLOR_ONLY:
                if is_type(part, TRANSFORMS, name):
                    raise UsageError(
                        f'{key}: {name} is for images of three colors, and '
                        f'these have {bands} bands. Leave it out; ColorJitter '
                        'changes brightness and contrast of any bands'
                    )
            for place, steps in part.items():
                if isinstance(steps, list):
                    part[place] = [
                        step
                        for step in steps
                        if not is_type(step, TRANSFORMS, *LEFT_OUT)
                    ]
