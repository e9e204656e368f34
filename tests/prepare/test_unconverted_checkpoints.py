"""Published files given as they are: to the commands, and poisoned.

Every kind is told by name, by ``infer`` as by ``test``; and ``convert`` runs
nothing that a file holds.
"""

from pathlib import Path

import pytest
import torch

from mmsemi.cli import main
from mmsemi.io.published import LAYOUTS, find_layout
from mmsemi.prepare.checkpoints.convert import convert_file
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.io.test_checkpoints import Marker
from tests.test_no_foreign_code import Scene
from tests.tiny import make_tiny_set


def weights(*names: str) -> dict:
    return {name: torch.zeros(1) for name in names}


BODY = 'module.encoder.layer1.0.conv1.weight', 'module.decoder.aspp.conv2.0'
U2PL = weights(*BODY, 'module.decoder.classifier.0.weight')
AEL = weights(*BODY, 'module.decoder.tail.0.weight')
# As the programs save them, with a few of their tensors.
PUBLISHED = dict(
    u2pl=dict(epoch=9, model_state=U2PL, teacher_state=U2PL, best_miou=0.7),
    ael=dict(epoch=9, model_state=AEL, teacher_state=AEL, best_miou=0.7),
    spnet=dict(
        iteration=9,
        state_dict=weights(
            'module.scale.layer2.block1.reduce.conv.weight',
            'module.scale.aspp.c0.weight',
        ),
    ),
    dst_cbc=dict(
        epoch=9,
        model=weights(
            'backbone.layer4.0.conv1.weight', 'classifier.0.convs.0.weight'
        ),
    ),
    deeplabv2=weights('layer4.0.conv1.weight', 'layer5.conv2d_list.0.weight'),
    unimatch=dict(
        model=weights(
            'module.backbone.layer4.0.conv1.weight',
            'module.head.b0.0.weight',
            'module.reduce.0.weight',
            'module.fuse.0.weight',
        ),
        epoch=9,
    ),
    cps=dict(model=weights('branch1.head.aspp.map_convs.0.weight')),
    deep_stem=weights('conv1.6.weight', 'layer4.0.conv3.weight'),
    dinov2=weights('patch_embed.proj.weight', 'blocks.0.attn.qkv.weight'),
    torchvision=weights('conv1.weight', 'layer4.0.conv2.weight', 'fc.weight'),
)


@pytest.fixture(scope='module')
def data(tmp_path_factory) -> Path:
    return make_tiny_set(tmp_path_factory.mktemp('unconverted') / 'data')


def infer(scene: Scene, path: Path) -> None:
    images = Path(scene.cfg.val_dataloader.dataset.data_prefix.img_path)
    files = ['--config', 'CONFIG', '--checkpoint', path]
    scene.command('infer.py', images, *files, '--out', scene.folder / 'o')


def run_test(scene: Scene, path: Path) -> None:
    scene.command('test.py', 'CONFIG', path, '--work-dir', scene.folder / 'w')


@pytest.mark.parametrize('command', [infer, run_test])
@pytest.mark.parametrize('name', [layout.name for layout in LAYOUTS])
def test_commands_tell_whose_file_it_is(name, command, data, tmp_path) -> None:
    layout = find_layout(PUBLISHED[name])
    assert layout is not None and layout.name == name
    path = tmp_path / 'published.pth'
    torch.save(PUBLISHED[name], path)
    with pytest.raises(UsageError) as info:
        command(Scene(tmp_path, data), path)
    said = str(info.value).removeprefix('error: ')
    assert said.startswith(f'{path} is a checkpoint of {layout.title}, wh')
    if name == 'cps':
        assert 'which cannot be converted: its network has leaky' in said
    else:
        assert f'convert it with `mmsemi convert {path} --out' in said
    assert '\n' not in said and not list(tmp_path.glob('o*'))


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize('name', PUBLISHED)
def test_convert_runs_nothing(name, zipped, tmp_path) -> None:
    """A file that would write another when it is unpickled."""
    path, marker = tmp_path / 'published.pth', tmp_path / 'marker'
    content = dict(PUBLISHED[name], args=Marker(marker))
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(SystemExit) as info:
        main('convert', [str(path), '--out', str(tmp_path / 'out.pth')])
    said = str(info.value.code)
    assert said.startswith(f'error: checkpoint {path} holds code (')
    assert '--trust-checkpoint' in said and '\n' not in said
    assert [p.name for p in tmp_path.iterdir()] == ['published.pth']
    torch.load(path, weights_only=False)  # the poison works
    assert marker.exists()


def test_a_person_may_trust_a_published_file(tmp_path) -> None:
    backbone = MODELS.build(dict(type='ResNet', depth=18))
    state = dict(backbone.state_dict(), **weights('fc.weight'))
    path, out = tmp_path / 'published.pth', tmp_path / 'out.pth'
    torch.save(dict(state_dict=state, args=Path('x')), path)
    arguments = [str(path), '--out', str(out)]
    with pytest.raises(SystemExit, match='holds code'):
        main('convert', arguments)
    assert not out.exists()
    main('convert', [*arguments, '--trust-checkpoint'])
    found = torch.load(out, weights_only=True)['state_dict']
    assert torch.equal(found['conv1.weight'], state['conv1.weight'])


def test_a_folder_is_no_file(tmp_path) -> None:
    with pytest.raises(UsageError, match='is a folder, where a file is need'):
        convert_file(tmp_path, tmp_path / 'o.pth')
    (tmp_path / 'link').symlink_to(tmp_path / 'gone')
    with pytest.raises(UsageError, match='symbolic link to .*gone, which is'):
        convert_file(tmp_path / 'link', tmp_path / 'o.pth')
