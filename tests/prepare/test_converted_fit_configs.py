"""What comes out of a conversion loads into the config named for it."""

import re

import pytest
import torch
from torch import nn

from mmsemi.io.published import find_layout
from mmsemi.models.weights import load_weights
from mmsemi.prepare.checkpoints import convert as conversion
from mmsemi.prepare.checkpoints import resnet38
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.configs import config
from tests.conftest import ROOT
from tests.prepare.test_published_checkpoints import (
    U2PLDecoder,
    UniMatchHead,
    cbst_names,
    crst,
    deep_stem,
    dst_cbc,
    layer,
    zeros,
)

PAGE = ROOT / 'docs/how_to/published_checkpoints.md'
TESTED = re.findall(
    r'^python tools/test.py configs/(\S+)\.py', PAGE.read_text('utf-8'), re.M
)


def shapes(module: nn.Module, prefix: str = '') -> dict:
    """Names and shapes of the tensors of a module."""
    return {
        prefix + key: tuple(value.shape)
        for key, value in module.state_dict().items()
    }


def u2pl(classes: int, ael: bool = False, auxiliary: bool = False) -> dict:
    """A checkpoint of U2PL's or AEL's program, both networks alike."""
    with torch.device('meta'):
        found = deep_stem(101, 'encoder.')
        found.update(shapes(U2PLDecoder(classes, ael), 'decoder.'))
        if auxiliary:
            aux = [*layer(1024, 256, bias=True), nn.Dropout2d(0.1)]
            aux = nn.Sequential(*aux, nn.Conv2d(256, classes, 1))
            found.update(shapes(aux, 'auxor.aux.'))
    state = zeros({f'module.{key}': value for key, value in found.items()})
    return dict(epoch=9, model_state=state, teacher_state=state)


def unimatch(classes: int) -> dict:
    with torch.device('meta'):
        head = shapes(UniMatchHead(classes))
    return dict(model=zeros({**deep_stem(101, 'backbone.'), **head}), epoch=9)


PUBLISHED = {
    'dst_cbc/voc_1-20_paper': lambda: dst_cbc(21),
    'dst_cbc/cityscapes_1-30_paper': lambda: dst_cbc(19),
    'u2pl/voc_1464_released': lambda: u2pl(21),
    'u2pl/cityscapes_744': lambda: u2pl(19, auxiliary=True),
    'u2pl/cityscapes_744_ael': lambda: u2pl(19, auxiliary=True),
    'ael/voc_662_released': lambda: u2pl(21, ael=True, auxiliary=True),
    'ael/cityscapes_744': lambda: u2pl(19, ael=True, auxiliary=True),
    'unimatch/voc_1464': lambda: unimatch(21),
}
for domain, classes in (('gta5', 19), ('synthia', 16)):
    for kind, names in (
        ('cbst/{}_to_cityscapes', cbst_names),
        ('source_only/{}_resnet38', cbst_names),
        ('crst/{}_to_cityscapes_mrkld', crst),
        ('source_only/{}_deeplabv2_r101', crst),
    ):
        PUBLISHED[kind.format(domain)] = lambda f=names, c=classes: f(c)


def test_every_command_of_the_page_is_here() -> None:
    """But for SPNet and STRICT, which test_published_checkpoints builds."""
    rest = {name for name in TESTED if name.startswith(('spnet/', 'strict/'))}
    assert set(TESTED) - rest == set(PUBLISHED) and len(TESTED) >= 18


@pytest.mark.filterwarnings('ignore:.*meta parameter')
@pytest.mark.parametrize('name', PUBLISHED)
def test_all_weights_are_there(name) -> None:
    """As the command ``test`` loads them; else it would raise."""
    content = PUBLISHED[name]()
    if any(key.startswith('arg:') for key in content):
        state = resnet38.convert(zeros(content)).state
    else:
        layout = find_layout(content)
        state, _ = conversion.chosen_weights(content, layout, None)
        state = conversion.converted(state, layout).state
    model = config(name).model
    student = model.get('student', model)
    with torch.device('meta'):
        network = MODELS.build(student)
    state = {key: value.to('meta') for key, value in state.items()}
    load_weights(network, state, 'checkpoint x', training=False)
    first = next(iter(state))
    del state[first]
    with pytest.raises(UsageError, match=f'1 missing .{first}'):
        load_weights(network, state, 'checkpoint x', training=False)
