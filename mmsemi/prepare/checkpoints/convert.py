"""Which conversion a file needs, and the file that comes out."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmsemi.datasets.synthia import SYNTHIA_CLASSES
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.io.files import no_file
from mmsemi.io.published import (
    MATLAB_MAGIC,
    MXNET_MAGIC,
    WRAPPINGS,
    Layout,
    find_layout,
)
from mmsemi.models.export import refuse_existing, save_checkpoint
from mmsemi.models.weights import some
from mmsemi.prepare.spatial_prior import save_prior
from mmsemi.utils.errors import UsageError

from . import deeplabv2, deeplabv3plus, dinov2, resnet38, resnets
from .converted import Converted, State
from .mxnet import read_params

KNOWN = (
    'MXNet .params of ResNet-38 and prior_array.mat (CBST), checkpoints of '
    'CRST, AdvSemiSeg, DST-CBC, DMT, U2PL, AEL, SPNet, STRICT, UniMatch and '
    'ST++, ResNets of torchvision or with a deep stem, and DINOv2'
)
CITYSCAPES_CLASSES = (
    *('road', 'sidewalk', 'building', 'wall', 'fence', 'pole'),
    *('traffic light', 'traffic sign', 'vegetation', 'terrain', 'sky'),
    *('person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle'),
    'bicycle',
)


def convert_file(
    source: str | Path,
    out: str | Path,
    num_classes: int | None = None,
    network: str | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Convert a published file.

    Args:
        source: file as its authors published it.
        out: file to write: ``.pth``, or ``.npz`` for a spatial prior.
        num_classes: classes of the network to train, where the file's head
            is to be left out if it has another number (AdvSemiSeg, CRST).
        network: ``student`` or ``teacher`` of a file that holds both; the
            teacher by default, whose figures are published.
        overwrite: replace a file that exists.

    Returns:
        What was found, used and left out, as lines for people.

    Raises:
        UsageError: if the file is none that is known, or does not fit.
    """
    out = Path(out)
    refuse_existing([out], overwrite)
    start, note = beginning(source), ''
    if start.startswith(MATLAB_MAGIC) or str(source).endswith('.mat'):
        return convert_prior(source, out)
    if start == MXNET_MAGIC:
        result = resnet38.convert(resnet38.tensors(read_params(source)))
        title = 'CBST'
    else:
        content = read_checkpoint(source)
        layout = find_layout(content)
        if layout is None:
            raise UsageError(
                f'{source} is none of the files that can be converted: '
                f'{KNOWN}. A checkpoint of mmsemi or MMSegmentation needs '
                'no conversion'
            )
        title = layout.title
        state, note = chosen_weights(content, layout, network)
        result = converted(state, layout, num_classes)
    save_checkpoint(out, result.state, dict(converted_from=title), overwrite)
    lines = [
        f'{source} is a checkpoint of {title}',
        f'{len(result.state)} tensors fit {result.fits}',
    ]
    if note:
        lines.append(note)
    if result.unused:
        lines.append(
            f'{len(result.unused)} tensors are not used: '
            f'{some(result.unused, 5)}'
        )
    return [*lines, f'wrote {out}']


def converted(
    state: State, layout: Layout, num_classes: int | None = None
) -> Converted:
    """Weights under our names.

    Raises:
        UsageError: if they do not fit the published network.
    """
    title = layout.title
    if layout.name in ('u2pl', 'ael'):
        return deeplabv3plus.convert_u2pl(state, title)
    if layout.name == 'unimatch':
        return deeplabv3plus.convert_unimatch(state, title)
    if layout.name == 'spnet':
        return deeplabv2.convert_spnet(state, title)
    if layout.name in ('dst_cbc', 'deeplabv2'):
        return deeplabv2.convert(state, title, num_classes)
    if layout.name == 'deep_stem':
        return resnets.convert_deep_stem(state, title)
    if layout.name == 'dinov2':
        return dinov2.convert(state)
    if layout.name == 'torchvision':
        return resnets.convert_torchvision(state, title)
    raise UsageError(
        f'checkpoints of {title} cannot be converted: {layout.obstacle}'
    )


def beginning(source: str | Path) -> bytes:
    """The first eight bytes of a file.

    Raises:
        UsageError: if there is no such file.
    """
    path = Path(source).expanduser()
    if not path.is_file():
        raise UsageError(f'{source} {no_file(path)}')
    with open(path, 'rb') as file:
        return file.read(8)


def chosen_weights(
    content: dict[str, Any], layout: Layout, network: str | None
) -> tuple[State, str]:
    """Weights of one network of a file, and a line about the choice.

    Raises:
        UsageError: if the file does not hold the network asked for.
    """
    both = [
        key for key in layout.networks if isinstance(content.get(key), dict)
    ]
    note = ''
    if both:
        names = {
            key: dict(teacher_state='teacher', model_state='student')[key]
            for key in both
        }
        wanted = network or names[both[0]]
        key = next((k for k, name in names.items() if name == wanted), None)
        if key is None:
            raise UsageError(
                f'the file holds no {wanted}, but {", ".join(names.values())}'
            )
        found = content[key]
        note = f'taken is the {wanted} of {" and ".join(names.values())}'
    elif network:
        raise UsageError(
            f'--network {network}: a checkpoint of {layout.title} holds one '
            'network'
        )
    else:
        found = content
        for key in WRAPPINGS:
            if isinstance(content.get(key), dict):
                found = content[key]
                break
    state = {
        str(key).removeprefix('module.'): value
        for key, value in found.items()
        if torch.is_tensor(value)
    }
    return state, note


def convert_prior(source: str | Path, out: Path) -> list[str]:
    """The spatial prior of CBST-SP, published for MATLAB.

    Raises:
        UsageError: if the file holds no prior of 19 or 16 classes.
    """
    from scipy.io import loadmat

    if out.suffix != '.npz':
        raise UsageError(
            f'{out}: a spatial prior is written as .npz, which '
            'CBSTPseudoLabeler(prior=...) reads'
        )
    try:
        content = loadmat(source)
    except NotImplementedError as error:
        raise UsageError(
            f'{source} is of MATLAB 7.3. Save it in MATLAB with -v7'
        ) from error
    except (ValueError, TypeError, OSError, zlib.error) as error:
        raise UsageError(f'{source} is no file of MATLAB ({error})') from error
    arrays = {
        name: value
        for name, value in content.items()
        if isinstance(value, np.ndarray) and value.ndim == 3
    }
    names = {19: CITYSCAPES_CLASSES, 16: tuple(SYNTHIA_CLASSES)}
    fitting = [name for name, a in arrays.items() if len(a) in names]
    if len(fitting) != 1:
        raise UsageError(
            f'{source} holds {len(fitting)} arrays of 19 or 16 classes, '
            'height and width, where one is a spatial prior; it has '
            f'{", ".join(sorted(arrays)) or "no array of three sides"}'
        )
    prior = arrays[fitting[0]]
    if not np.isfinite(prior).all() or prior.min() < 0:
        raise UsageError(
            f'{source}: values of a prior are finite and not negative'
        )
    save_prior(str(out), prior, names[len(prior)], float('nan'), 0)
    return [
        f'{source}: {fitting[0]}, {len(prior)} classes at '
        f'{prior.shape[1]}x{prior.shape[2]}',
        f'wrote {out}',
    ]
