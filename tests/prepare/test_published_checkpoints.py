"""Published checkpoints: their names and shapes, and what comes out.

Where the published network computes in another order than ours, a copy of it
is written here and both must give the same.
"""

import re
import struct

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from scipy.io import savemat
from torch import nn

from mmsemi.cli import main
from mmsemi.doctor.weights import check_weights
from mmsemi.io.published import find_layout
from mmsemi.models.pretrained import CountedPretrainedInit
from mmsemi.models.pseudo_labelers.spatial_prior import load_prior
from mmsemi.models.weights import load_weights, read_weights
from mmsemi.prepare.checkpoints import convert as conversion
from mmsemi.prepare.checkpoints import dinov2, resnet38
from mmsemi.prepare.checkpoints.converted import base_model
from mmsemi.prepare.checkpoints.mxnet import read_params
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.conftest import ROOT
from tests.tiny import tiny_model


def zeros(shapes: dict) -> dict:
    """Tensors of these shapes that take no memory."""
    return {k: torch.zeros(()).expand(shape) for k, shape in shapes.items()}


def on_meta(cfg) -> dict:
    """Shapes of the tensors of a network, counters left out."""
    with torch.device('meta'):
        model = MODELS.build(cfg)
    return {
        key: tuple(value.shape)
        for key, value in model.state_dict().items()
        if not key.endswith('num_batches_tracked')
    }


def resnet(depth=101, **more) -> dict:
    return on_meta(dict(type='ResNet', depth=depth, **more))


def deep_stem(depth=50, prefix='') -> dict:
    """Names of the authors' ResNets with stems of 64, 64 and 128 channels."""
    found = {}
    shapes = on_meta(dict(type='ResNetV1c', depth=depth, stem_channels=128))
    for key, shape in shapes.items():
        key = re.sub(r'^stem\.7\.', 'bn1.', key)
        found[prefix + re.sub(r'^stem\.', 'conv1.', key)] = shape
    return found


def crst(classes=19) -> dict:
    """CRST's and AdvSemiSeg's: 520 tensors of the body, 8 of the head."""
    shapes = resnet()
    for k in range(4):
        shapes[f'layer5.conv2d_list.{k}.weight'] = (classes, 2048, 3, 3)
        shapes[f'layer5.conv2d_list.{k}.bias'] = (classes,)
    return zeros(shapes)


def dst_cbc(classes=21) -> dict:
    shapes = {f'backbone.{k}': v for k, v in resnet().items()}
    for k in range(4):
        shapes[f'classifier.0.convs.{k}.weight'] = (classes, 2048, 3, 3)
        shapes[f'classifier.0.convs.{k}.bias'] = (classes,)
    return dict(model=zeros(shapes), optimizer=dict(state={}), epoch=3)


def spnet(dim=600, prefix='module.scale.') -> dict:
    """Names of the Caffe-like DeepLab-v2 that SPNet and STRICT use."""
    found = {
        'layer1.conv1.conv.weight': (64, 3, 7, 7),
        **{f'layer1.conv1.bn.{k}': (64,) for k in NORM},
    }
    width = 64
    for level, blocks in enumerate((3, 4, 23, 3)):
        inner = 64 * 2**level
        for k in range(blocks):
            start = f'layer{level + 2}.block{k + 1}'
            parts = dict(
                reduce=(inner, width, 1, 1),
                conv3x3=(inner, inner, 3, 3),
                increase=(4 * inner, inner, 1, 1),
            )
            if k == 0:
                parts['shortcut'] = (4 * inner, width, 1, 1)
            for part, shape in parts.items():
                found[f'{start}.{part}.conv.weight'] = shape
                for name in NORM:
                    found[f'{start}.{part}.bn.{name}'] = shape[:1]
            width = 4 * inner
    for k in range(4):
        found[f'aspp.c{k}.weight'] = (dim, 2048, 3, 3)
        found[f'aspp.c{k}.bias'] = (dim,)
    state = zeros({prefix + key: shape for key, shape in found.items()})
    return dict(iteration=20000, state_dict=state)


LOSS = dict(type='CrossEntropyLoss')
NORM = ('weight', 'bias', 'running_mean', 'running_var')


# The heads of U2PL, AEL and UniMatch as their authors wrote them.
def layer(inputs, out, kernel=3, dilation=1, bias=False, drop=0.0):
    parts = [
        nn.Conv2d(
            inputs,
            out,
            kernel,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            bias=bias,
        ),
        nn.BatchNorm2d(out),
        nn.ReLU(),
    ]
    return parts + ([nn.Dropout2d(drop)] if drop else [])


class U2PLDecoder(nn.Module):
    def __init__(self, classes: int, ael: bool = False) -> None:
        super().__init__()
        self.low_conv = nn.Sequential(*layer(256, 256, 1, bias=True))
        self.aspp = nn.ModuleDict(
            dict(
                conv1=nn.Sequential(
                    nn.AdaptiveAvgPool2d(1), *layer(2048, 256, 1)
                ),
                conv2=nn.Sequential(*layer(2048, 256, 1)),
                **{
                    f'conv{k}': nn.Sequential(*layer(2048, 256, 3, d))
                    for k, d in zip((3, 4, 5), (12, 24, 36))
                },
            )
        )
        self.head = nn.Sequential(*layer(1280, 256, drop=0.1))
        two = [
            *layer(512, 256, bias=True, drop=0.1),
            *layer(256, 256, bias=True, drop=0.1),
        ]
        self.ael = ael
        if ael:
            self.tail = nn.Sequential(*two)
            self.final = nn.Conv2d(256, classes, 1)
        else:
            self.classifier = nn.Sequential(*two, nn.Conv2d(256, classes, 1))
            self.representation = nn.Sequential(
                *layer(512, 256, bias=True, drop=0.1),
                *layer(256, 256, bias=True, drop=0.1),
                nn.Conv2d(256, 256, 1),
            )

    def forward(self, maps):
        pooled = self.aspp['conv1'](maps[-1])
        size = maps[-1].shape[-2:]
        pooled = F.interpolate(pooled, size, mode='bilinear')
        parts = [self.aspp[f'conv{k}'](maps[-1]) for k in (2, 3, 4, 5)]
        high = self.head(torch.cat([pooled, *parts], 1))
        low = self.low_conv(maps[0])
        high = F.interpolate(
            high, low.shape[-2:], mode='bilinear', align_corners=True
        )
        both = torch.cat([low, high], 1)
        if self.ael:
            return self.final(self.tail(both)), None
        return self.classifier(both), self.representation(both)


class UniMatchHead(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.head = nn.Module()
        self.head.b0 = nn.Sequential(*layer(2048, 256, 1))
        for k, d in zip((1, 2, 3), (6, 12, 18)):
            setattr(self.head, f'b{k}', nn.Sequential(*layer(2048, 256, 3, d)))
        self.head.b4 = nn.Module()
        self.head.b4.gap = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), *layer(2048, 256, 1)
        )
        self.head.project = nn.Sequential(*layer(1280, 256, 1))
        self.reduce = nn.Sequential(*layer(256, 48, 1))
        self.fuse = nn.Sequential(*layer(304, 256), *layer(256, 256))
        self.classifier = nn.Conv2d(256, classes, 1)

    def forward(self, maps):
        size = maps[-1].shape[-2:]
        parts = [getattr(self.head, f'b{k}')(maps[-1]) for k in range(4)]
        pooled = self.head.b4.gap(maps[-1])
        parts.append(F.interpolate(pooled, size, mode='bilinear'))
        high = self.head.project(torch.cat(parts, 1))
        low = self.reduce(maps[0])
        high = F.interpolate(
            high, low.shape[-2:], mode='bilinear', align_corners=True
        )
        return self.classifier(self.fuse(torch.cat([low, high], 1)))


def lively(module: nn.Module) -> nn.Module:
    """Every normalization with statistics and weights of its own."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for name in NORM:
                value = getattr(part, name)
                value.data = torch.rand_like(value) + 0.5
    return module.eval()


def maps(channels=(256, 512, 1024, 2048)):
    torch.manual_seed(1)
    sizes = (9, 5, 5, 5)
    return [torch.randn(2, c, s, s + 2) for c, s in zip(channels, sizes)]


def published_file(path, content) -> str:
    torch.save(content, path)
    return str(path)


def converted(content, num_classes=None, network=None):
    """The state that ``mmsemi convert`` would write."""
    layout = find_layout(content)
    state, _ = conversion.chosen_weights(content, layout, network)
    return conversion.converted(state, layout, num_classes)


def head_of(base, state, **changes):
    """Our decode head with converted weights, and nothing else."""
    cfg = base_model(base, **changes).decode_head
    head = MODELS.build(cfg).eval()
    part = {
        k.removeprefix('decode_head.'): v
        for k, v in state.items()
        if k.startswith('decode_head.')
    }
    head.load_state_dict(part, strict=False)
    left = {k for k in head.state_dict() if 'num_batches' not in k}
    assert left == {k for k in part if 'num_batches' not in k}
    return head


def test_u2pl_computes_the_same_for_student_and_teacher() -> None:
    torch.manual_seed(0)
    nets = [lively(U2PLDecoder(7)) for _ in range(2)]
    body = zeros(deep_stem(prefix='encoder.'))
    parts = [
        {
            f'module.{key}': value
            for key, value in dict(
                body, **{f'decoder.{k}': v for k, v in n.state_dict().items()}
            ).items()
        }
        for n in nets
    ]
    content = dict(
        epoch=79, model_state=parts[0], teacher_state=parts[1], best_miou=0.79
    )
    assert find_layout(content).title == 'U2PL'
    for network, net in zip(('student', 'teacher', None), (*nets, nets[1])):
        result = converted(content, network=network)
        head = head_of(
            'deeplabv3plus_r101-deep-stem_u2pl',
            result.state,
            decode_head__num_classes=7,
            decode_head__representation_head=dict(type='RepresentationHead'),
        )
        with torch.no_grad():
            found = head.forward_with_representation(maps())
            for one, other in zip(found, net(maps())):
                torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert not result.unused and 'representation' in result.fits


def test_ael_and_the_auxiliary_head_of_cityscapes() -> None:
    """A bias in front of a normalization goes into its mean."""
    torch.manual_seed(0)
    net = lively(U2PLDecoder(19, ael=True))
    auxiliary = lively(
        nn.Sequential(
            *layer(1024, 256, bias=True, drop=0.1), nn.Conv2d(256, 19, 1)
        )
    )
    state = dict(
        zeros(deep_stem(prefix='encoder.')),
        **{f'decoder.{k}': v for k, v in net.state_dict().items()},
        **{f'auxor.aux.{k}': v for k, v in auxiliary.state_dict().items()},
    )
    content = dict(model_state=state, teacher_state=state)
    assert find_layout(content).title == 'AEL'
    result = converted(content)
    ours = head_of(
        'deeplabv3plus_r101-deep-stem_u2pl',
        result.state,
        decode_head__num_classes=19,
    )
    side = MODELS.build(
        Config.fromfile(
            ROOT / 'configs/ael/cityscapes_744.py'
        ).model.student.auxiliary_head.to_dict()
        | dict(num_classes=19, init_cfg=None, loss_decode=LOSS)
    ).eval()
    part = 'auxiliary_head.'
    side.load_state_dict(
        {
            k.removeprefix(part): v
            for k, v in result.state.items()
            if k.startswith(part)
        }
    )
    with torch.no_grad():
        torch.testing.assert_close(
            ours(maps()), net(maps())[0], rtol=1e-4, atol=1e-4
        )
        torch.testing.assert_close(
            side(maps()), auxiliary(maps()[2]), rtol=1e-4, atol=1e-4
        )


def test_unimatch_computes_the_same() -> None:
    """Its 1x1 convolution in the middle of a 3x3, other orders of inputs."""
    torch.manual_seed(0)
    net = lively(UniMatchHead(21))
    state = dict(zeros(deep_stem(prefix='backbone.')), **net.state_dict())
    result = converted(
        dict(model={f'module.{k}': v for k, v in state.items()}, epoch=1)
    )
    head = head_of(
        'deeplabv3plus_r101-deep-stem_d16',
        result.state,
        decode_head__num_classes=21,
    )
    with torch.no_grad():
        torch.testing.assert_close(
            head(maps()), net(maps()), rtol=1e-4, atol=1e-4
        )
    # ST++ saves the weights alone.
    assert find_layout(state).name == 'unimatch'
    assert converted(state).state.keys() == result.state.keys()


def test_crst_and_advsemiseg() -> None:
    source = crst()
    assert len(source) == 528
    result = converted(source)
    assert len(result.state) == 528 and not result.unused
    # All four branches, as CRST sums them.
    with torch.device('meta'):
        model = MODELS.build(base_model('deeplabv2_r101-d8_crst'))
    assert result.state.keys() == {
        k for k in model.state_dict() if 'num_batches' not in k
    }
    # Files of newer PyTorch count batches, too.
    counters = {
        f'{k.rpartition(".")[0]}.num_batches_tracked': torch.tensor(5)
        for k in source
        if k.endswith('running_var')
    }
    assert len(converted({**source, **counters}).state) == 632
    other = converted(crst(21), num_classes=19)
    assert len(other.state) == 520 and len(other.unused) == 8
    assert not any('decode_head' in key for key in other.state)


def test_dst_cbc_and_dmt() -> None:
    result = converted(dst_cbc())
    assert len(result.state) == 528
    with torch.device('meta'):
        model = MODELS.build(base_model('deeplabv2_r101-d8'))
    # Two of the four branches are used; loading passes over the others.
    missing = set(model.state_dict()) - set(result.state)
    assert all('num_batches' in key for key in missing)
    assert result.state['decode_head.convs.1.bias'].shape == (21,)


@pytest.mark.parametrize('prefix', ['module.scale.', 'scale.', 'base.'])
def test_spnet_and_strict(prefix) -> None:
    content = spnet(prefix=prefix)
    key = f'{prefix}layer4.block23.conv3x3.bn.running_var'
    marked = torch.full((256,), 0.25)
    content['state_dict'][key] = marked
    result = converted(content)
    assert not result.unused and 'length 600' in result.fits
    assert result.state['backbone.layer3.22.bn2.running_var'] is marked
    number = sum(value.numel() for value in result.state.values())
    norms = sum(
        value.numel() for k, value in result.state.items() if 'running' in k
    )
    assert number - norms == 86739360  # parameters of the official network
    cfg = Config.fromfile(ROOT / 'configs/spnet/voc12.py').model
    with torch.device('meta'):
        model = MODELS.build(
            dict(
                cfg.student,
                init_cfg=None,
                decode_head=dict(
                    cfg.student.decode_head,
                    classes=[str(k) for k in range(20)],
                    num_seen=15,
                    embedding_dim=600,
                    save_embeddings=True,
                ),
            )
        )
    wanted = {k for k in model.state_dict() if 'num_batches' not in k}
    # The vectors are those of a file, in no published checkpoint.
    assert wanted - {'decode_head.embeddings'} == result.state.keys()


# ResNet-38 of CBST.
def cbst_names(classes: int | None = 19) -> dict:
    """Names and shapes of the published arrays, from the table of levels."""
    found = {'arg:conv1a_weight': (64, 3, 3, 3)}
    levels = (
        (3, (128, 128)),
        (3, (256, 256)),
        (6, (512, 512)),
        (3, (512, 1024)),
        (1, (512, 1024, 2048)),
        (1, (1024, 2048, 4096)),
    )
    width = 64
    for number, (blocks, channels) in enumerate(levels, 2):
        for k in range(blocks):
            name = f'{number}{"a" if k == 0 else f"b{k}"}'
            kernels = (1, 3, 1) if len(channels) == 3 else (3, 3)
            branches = ('2a', '2b1', '2b2')
            inner = width
            for branch, out, kernel in zip(branches, channels, kernels):
                found[f'arg:res{name}_branch{branch}_weight'] = (
                    out,
                    inner,
                    kernel,
                    kernel,
                )
                for what in ('gamma', 'beta'):
                    found[f'arg:bn{name}_branch{branch}_{what}'] = (inner,)
                for what in ('mean', 'var'):
                    key = f'aux:bn{name}_branch{branch}_moving_{what}'
                    found[key] = (inner,)
                inner = out
            if k == 0:
                found[f'arg:res{name}_branch1_weight'] = (inner, width, 1, 1)
            width = inner
    for what in ('arg:bn7_gamma', 'arg:bn7_beta'):
        found[what] = (4096,)
    for what in ('aux:bn7_moving_mean', 'aux:bn7_moving_var'):
        found[what] = (4096,)
    if classes:
        found['arg:conv6a_weight'] = (512, 4096, 3, 3)
        found['arg:conv6a_bias'] = (512,)
        found[f'arg:linear{classes}_weight'] = (classes, 512, 3, 3)
        found[f'arg:linear{classes}_bias'] = (classes,)
    else:
        found['arg:linear1000_weight'] = (1000, 4096)
        found['arg:linear1000_bias'] = (1000,)
    return found


@pytest.mark.parametrize('classes', [19, 16])
def test_whole_resnet38(classes) -> None:
    source = zeros(cbst_names(classes))
    marked = torch.full((512,), 3.0)
    source['aux:bn4b5_branch2b1_moving_mean'] = marked
    source['arg:bn4b5_branch2b1_beta'] = 2 * marked
    result = resnet38.convert(source)
    assert not result.unused and f'{classes} classes' in result.fits
    with torch.device('meta'):
        model = MODELS.build(
            base_model('resnet38-d8', decode_head__num_classes=classes)
        )
    wanted = {k for k in model.state_dict() if 'num_batches' not in k}
    assert result.state.keys() == wanted
    part = 'backbone.levels.2.5.norms.1'
    assert (result.state[f'{part}.running_mean'] == 3).all()
    assert (result.state[f'{part}.bias'] == 6).all()
    # Parameters as counted for the published network.
    number = sum(
        value.numel()
        for k, value in result.state.items()
        if 'running' not in k
    )
    assert number == {19: 124033363, 16: 124019536}[classes]


def test_imagenet_body_of_resnet38() -> None:
    result = resnet38.convert(zeros(cbst_names(None)))
    assert result.unused == ['arg:linear1000_weight', 'arg:linear1000_bias']
    with torch.device('meta'):
        body = MODELS.build(dict(type='ResNet38'))
    wanted = {k for k in body.state_dict() if 'num_batches' not in k}
    assert result.state.keys() == wanted
    with pytest.raises(UsageError, match=r'1 are missing \(levels.0.0.convs'):
        names = cbst_names(None)
        del names['arg:res2a_branch2a_weight']
        resnet38.convert(zeros(names))
    with pytest.raises(UsageError, match='no CBST'):
        resnet38.convert(dict(zeros({'arg:fc1_weight': (3, 3)})))


def params(arrays: dict, version: int = 2) -> bytes:
    """A file as MXNet writes it, for 32-bit floats and others."""
    codes = {'f4': 0, 'f8': 1, 'f2': 2, 'u1': 3, 'i4': 4, 'i1': 5, 'i8': 6}
    out = struct.pack('<QQQ', 0x112, 0, len(arrays))
    for array in arrays.values():
        side = 'q'
        if version:
            out += struct.pack('<I', 0xF993FAC7 + version)
        else:
            side = 'I'
        if version >= 2:
            out += struct.pack('<i', 0)
        out += struct.pack(f'<I{array.ndim}{side}', array.ndim, *array.shape)
        out += struct.pack('<iii', 1, 0, codes[array.dtype.str[1:]])
        out += array.tobytes()
    out += struct.pack('<Q', len(arrays))
    for name in arrays:
        out += struct.pack('<Q', len(name)) + name.encode()
    return out


@pytest.mark.parametrize('version', [0, 1, 2, 3])
@pytest.mark.parametrize('kind', ['f4', 'f8', 'f2', 'i8', 'u1'])
def test_arrays_of_mxnet(version, kind, tmp_path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        'arg:a_weight': rng.integers(0, 90, (2, 3, 4)).astype(kind),
        'aux:b_mean': rng.integers(0, 90, 5).astype(kind),
    }
    path = tmp_path / 'a.params'
    path.write_bytes(params(arrays, version))
    found = read_params(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_damaged_arrays_of_mxnet_say_so(tmp_path) -> None:
    path = tmp_path / 'a.params'
    whole = params({'arg:a_weight': np.ones((2, 3), np.float32)})
    for length in range(9, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(UsageError, match='ends in the middle'):
            read_params(path)
    path.write_bytes(b'PK' + whole)
    with pytest.raises(UsageError, match='no file of arrays of MXNet'):
        read_params(path)


def test_spatial_prior_of_matlab(tmp_path, capsys) -> None:
    prior = np.random.default_rng(0).random((19, 8, 16))
    source, out = tmp_path / 'prior_array.mat', tmp_path / 'prior.npz'
    savemat(source, dict(prior_array=prior), do_compression=True)
    main('convert', [str(source), '--out', str(out)])
    assert '19 classes at 8x16' in capsys.readouterr().out
    found, classes = load_prior(str(out), 19)
    assert np.allclose(found.numpy(), prior.astype(np.float32))
    assert classes[0] == 'road' and classes[-1] == 'bicycle'
    with pytest.raises(UsageError, match='mmsemi convert'):
        load_prior(str(source), 19)
    savemat(source, dict(prior_array=prior[:7]))
    with pytest.raises(SystemExit, match='holds 0 arrays of 19 or 16'):
        main('convert', [str(source), '--out', str(tmp_path / 'other.npz')])


@pytest.mark.parametrize('depth', [18, 50, 101])
def test_torchvision_resnets(depth) -> None:
    shapes = resnet(depth)
    width = 512 if depth == 18 else 2048
    source = zeros({**shapes, 'fc.weight': (1000, width), 'fc.bias': (1000,)})
    result = converted(source)
    assert {k: tuple(v.shape) for k, v in result.state.items()} == shapes
    assert f'ResNet-{depth}' in result.fits and len(result.unused) == 2


@pytest.mark.parametrize('depth', [50, 101])
def test_deep_stems(depth) -> None:
    source = zeros({**deep_stem(depth), 'fc.weight': (1000, 2048)})
    result = converted(source)
    assert result.unused == ['fc.weight'] and f'-{depth}' in result.fits
    assert (
        result.state.keys()
        == on_meta(
            dict(type='ResNetV1c', depth=depth, stem_channels=128)
        ).keys()
    )


@pytest.mark.parametrize(
    'content, words',
    [
        (dict(crst(), extra=torch.zeros(1)), 'backbone.extra'),
        (
            {
                k: v
                for k, v in crst().items()
                if k != 'layer4.2.bn3.running_var'
            },
            'layer4.2.bn3.running_var',
        ),
        (
            zeros({**resnet(50, base_channels=32), 'fc.weight': (1000, 2048)}),
            'have another shape',
        ),
        (
            zeros({**deep_stem(), 'conv1.0.weight': (32, 3, 3, 3)}),
            'stem.0.weight',
        ),
        ({'branch1.head.aspp.map_convs.0.weight': torch.zeros(1)}, 'leaky'),
    ],
)
def test_files_that_differ_are_refused(content, words) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        converted(content)


def test_command_reads_data_only_and_says_what_is_used(
    tmp_path, capsys
) -> None:
    backbone = MODELS.build(dict(type='ResNet', depth=18))
    content = dict(
        backbone.state_dict(), **{'fc.weight': torch.zeros(1000, 512)}
    )
    source = published_file(tmp_path / 'resnet18.pth', content)
    out = tmp_path / 'out.pth'
    main('convert', [source, '--out', str(out)])
    said = capsys.readouterr().out
    assert '1 tensors are not used: fc.weight' in said
    other = MODELS.build(dict(type='ResNet', depth=18))
    CountedPretrainedInit(str(out))(other)
    torch.testing.assert_close(other.state_dict(), backbone.state_dict())
    with pytest.raises(SystemExit, match='exists'):
        main('convert', [source, '--out', str(out)])
    main('convert', [source, '--out', str(out), '--overwrite'])
    unknown = published_file(tmp_path / 'x.pth', dict(a=torch.zeros(1)))
    with pytest.raises(SystemExit, match='none of the files that can be'):
        main('convert', [unknown, '--out', str(tmp_path / 'y.pth')])
    with pytest.raises(SystemExit, match='does not exist'):
        main('convert', ['nowhere.pth', '--out', str(tmp_path / 'y.pth')])


def tiny_segmentor():
    return MODELS.build(
        dict(
            type='EncoderDecoder',
            backbone=dict(type='ResNetV1c', depth=18, stem_channels=16),
            decode_head=dict(
                type='FCNHead', in_channels=512, channels=8, num_classes=3
            ),
        )
    )


@pytest.mark.parametrize(
    'title, content',
    [
        ('AdvSemiSeg or CRST', crst()),
        ('DST-CBC or DMT', dst_cbc()),
        ('SPNet or STRICT', spnet()),
        (
            'U2PL',
            dict(
                epoch=1,
                model_state={
                    'module.encoder.layer1.0.conv1.weight': torch.zeros(1),
                    'module.decoder.aspp.conv1.1.weight': torch.zeros(1),
                    'module.decoder.classifier.0.weight': torch.zeros(1),
                },
                best_miou=0.7,
            ),
        ),
        (
            'UniMatch or ST++',
            {
                'backbone.layer4.0.conv1.weight': torch.zeros(1),
                'head.b0.0.weight': torch.zeros(1),
                'reduce.0.weight': torch.zeros(1),
                'fuse.0.weight': torch.zeros(1),
            },
        ),
    ],
)
def test_unconverted_files_are_told_by_name(title, content, tmp_path) -> None:
    """What infer, test and load_from call, with the file as published."""
    path = published_file(tmp_path / 'published.pth', content)
    state, _ = read_weights(path, 'student')
    with pytest.raises(UsageError) as info:
        load_weights(
            tiny_segmentor(), state, f'checkpoint {path}', training=False
        )
    assert f'{path} is a checkpoint of {title}' in str(info.value)
    assert f'mmsemi convert {path} --out OUT.pth' in str(info.value)
    wrapped = MODELS.build(tiny_model())
    with pytest.raises(UsageError, match=f'is a checkpoint of {title}'):
        load_weights(wrapped, state, f'checkpoint {path}')
    with pytest.raises(UsageError, match=f'is a checkpoint of {title}'):
        CountedPretrainedInit(path)(tiny_segmentor())


def test_a_run_is_told_before_it_begins(tmp_path) -> None:
    """Where weights lie under a key of their program's own."""
    path = published_file(tmp_path / 'published.pt', dst_cbc())
    with pytest.raises(UsageError, match=f'load_from: {path} is a checkpoint'):
        check_weights(Config(dict(load_from=path)))


def test_unconverted_stems_and_mxnet_are_told(tmp_path) -> None:
    """Most of a deep-stem ResNet would fit by chance."""
    path = published_file(tmp_path / 'resnet50.pth', zeros(deep_stem()))
    backbone = dict(type='ResNetV1c', depth=50, stem_channels=128)
    with pytest.raises(UsageError, match='ResNet with a deep stem, whose'):
        CountedPretrainedInit(path)(MODELS.build(backbone))
    path = tmp_path / 'cbst.params'
    path.write_bytes(params({'arg:a_weight': np.ones(2, np.float32)}))
    with pytest.raises(UsageError, match='is a file of MXNet'):
        read_weights(path, 'student')


def official_dinov2(width: int, blocks: int) -> dict:
    """Names and shapes of a file of facebookresearch/dinov2."""
    shapes = {
        'cls_token': (1, 1, width),
        'pos_embed': (1, 1370, width),
        'mask_token': (1, width),
        'patch_embed.proj.weight': (width, 3, 14, 14),
        'patch_embed.proj.bias': (width,),
        'norm.weight': (width,),
        'norm.bias': (width,),
    }
    for k in range(blocks):
        for name, shape in (
            ('norm1', (width,)),
            ('attn.qkv', (3 * width, width)),
            ('attn.proj', (width, width)),
            ('norm2', (width,)),
            ('mlp.fc1', (4 * width, width)),
            ('mlp.fc2', (width, 4 * width)),
        ):
            shapes[f'blocks.{k}.{name}.weight'] = shape
            shapes[f'blocks.{k}.{name}.bias'] = shape[:1]
        shapes[f'blocks.{k}.ls1.gamma'] = (width,)
        shapes[f'blocks.{k}.ls2.gamma'] = (width,)
    return shapes


@pytest.mark.parametrize(
    'size, width, blocks',
    [('small', 384, 12), ('base', 768, 12), ('large', 1024, 24)],
)
def test_dinov2_to_mmpretrain(size, width, blocks) -> None:
    source = zeros(official_dinov2(width, blocks))
    assert len(source) == 7 + 14 * blocks
    result = converted(source)
    state = result.state
    assert len(state) == 6 + 14 * blocks and result.unused == ['mask_token']
    assert result.fits == (
        f'the backbone DINOv2 {size}, position embedding of 37 x 37 for '
        'images of 518'
    )
    # Those of mmpretrain 1.3.6.
    found = {key: tuple(value.shape) for key, value in state.items()}
    wanted = {
        'cls_token': (1, 1, width),
        'pos_embed': (1, 1370, width),
        'patch_embed.projection.weight': (width, 3, 14, 14),
        'patch_embed.projection.bias': (width,),
        'layers.0.ln1.weight': (width,),
        'layers.0.attn.qkv.weight': (3 * width, width),
        'layers.0.attn.proj.bias': (width,),
        'layers.0.attn.gamma1.weight': (width,),
        'layers.0.ln2.bias': (width,),
        'layers.0.ffn.layers.0.0.weight': (4 * width, width),
        'layers.0.ffn.gamma2.weight': (width,),
        'layers.0.ffn.layers.1.weight': (width, 4 * width),
        'ln1.weight': (width,),
    }
    assert {key: found[key] for key in wanted} == wanted
    chunked = {
        key.replace('blocks.', f'blocks.{k % 4}.', 1): value
        for k, (key, value) in enumerate(source.items())
    }
    assert converted(chunked).state.keys() == state.keys()


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(register_tokens=(1, 4, 384)), 'register_tokens .* no part'),
        ({'pos_embed': (1, 1373, 384)}, '1373 tokens, which are no'),
        ({'pos_embed': None}, 'no position embedding'),
        ({'blocks.3.ls1.gamma': None}, 'missing, such as layers.3.attn'),
        ({'blocks.3.attn.qkv.weight': None}, '11 blocks of width 384'),
        ({'blocks.3.mlp.w12.weight': (9, 9)}, 'mlp.w12.weight .* no part'),
    ],
)
def test_other_networks_are_no_dinov2(changes, words) -> None:
    shapes = {**official_dinov2(384, 12), **changes}
    source = zeros({k: v for k, v in shapes.items() if v is not None})
    with pytest.raises(UsageError, match=words):
        dinov2.convert(source)
