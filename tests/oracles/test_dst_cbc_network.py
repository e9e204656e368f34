"""DeepLab-v2 of our config against the published network."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from mmsemi.registry import MODELS
from tests.oracles.kinds import cases, files, some

CONFIG = (
    Path(__file__)
    .resolve()
    .parents[2]
    .joinpath('configs/_base_/models/deeplabv2_r101-d8.py')
)


def network(num_classes: int, used_branches: int = 2, device: str = 'cpu'):
    """The model of the config; on device meta it has shapes only."""
    cfg = Config.fromfile(CONFIG).model
    cfg.decode_head.update(
        num_classes=num_classes, used_branches=used_branches
    )
    with torch.device(device):
        return MODELS.build(cfg)


def official_name(name: str) -> str:
    """Name of a parameter or module in the published network."""
    return name.replace('decode_head.', 'classifier.0.')


def found(oracle_dir, prefix: str) -> dict:
    """Cases of one prefix in all files; skips where there is none."""
    stored = [
        (f'{path.name}:{name}', case)
        for path in files(oracle_dir, 'dst_cbc', 'deeplabv2_model')
        for name, case in cases(path).items()
        if name.startswith(prefix)
    ]
    return dict(some(stored, f'case {prefix}*'))


def fill(model: torch.nn.Module, salt: str) -> None:
    """Weights drawn from the names of the tensors, as the oracle did."""
    for name, value in model.state_dict().items():
        if name.endswith('num_batches_tracked'):
            continue
        name = official_name(name)
        a = (
            np.random.RandomState(zlib.crc32((salt + name).encode()))
            .standard_normal(tuple(value.shape))
            .astype(np.float32)
        )
        if a.ndim == 4:
            a *= np.sqrt(2 / a[0].size)
        elif name.endswith('running_mean'):
            a *= 0.1
        elif name.endswith('running_var'):
            a = 1 + 0.1 * np.abs(a)
        elif name.endswith('weight'):
            a = (1 + 0.1 * a) * (0.2 if '.bn3.' in name else 1)
        else:
            a *= 0.1
        value.copy_(torch.from_numpy(a.astype(np.float32)))


def image(case: dict) -> torch.Tensor:
    """Input image of a forward case."""
    seed = zlib.crc32(str(case['image_salt']).encode())
    shape = tuple(int(n) for n in case['image_shape'])
    x = np.random.RandomState(seed).standard_normal(shape)
    return torch.from_numpy(x.astype(np.float32) * np.float32(60))


def assert_near(got, want, relative: float) -> None:
    """Largest difference against the largest value."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    assert np.abs(got - want).max() < relative * np.abs(want).max()


@pytest.fixture(scope='module')
def filled():
    """One network for all forward cases: filling it takes seconds."""
    made = {}

    def get(num_classes: int, salt: str):
        key = (num_classes, salt)
        if key not in made:
            made.clear()
            made[key] = network(num_classes)
            fill(made[key], salt)
        return made[key]

    return get


def test_numbers_of_parameters(oracle_dir) -> None:
    for name, case in found(oracle_dir, 'counts_').items():
        model = network(int(name.split('_')[-1]), 4, 'meta')
        children = dict(model.backbone.named_children())
        count = {
            key: sum(p.numel() for p in module.parameters())
            for key, module in dict(
                backbone=model.backbone,
                head=model.decode_head,
                total=model,
                **{f'child_{k}': m for k, m in children.items()},
            ).items()
        }
        for key in ('backbone', 'head', 'total'):
            assert count[key] == case[key], (name, key)
        parameters = list(model.parameters())
        assert (
            sum(p.numel() for p in parameters if p.requires_grad)
            == case['trainable']
        )
        assert len(parameters) == case['n_param_tensors']
        assert len(model.state_dict()) == case['n_state_entries']
        norms = [
            m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)
        ]
        assert len(norms) == case['n_batchnorm']
        # The default of the config trains BatchNorm as published.
        assert all(m.training for m in model.train().modules())
        if 'per_child_names' in case:
            assert list(children) == case['per_child_names'].tolist()
            assert [count[f'child_{k}'] for k in children] == case[
                'per_child_params'
            ].tolist()


def test_output_sizes(oracle_dir) -> None:
    backbone, feats = None, {}
    for name, case in found(oracle_dir, 'shapes_').items():
        model = network(int(name.split('_')[-1]), device='meta')
        backbone, head = backbone or model.backbone, model.decode_head
        for row in case['h_w_n_c_oh_ow'].tolist():
            height, width, *out = row
            size = (out[0], 3, height, width)
            if size not in feats:
                feats[size] = backbone(torch.empty(size, device='meta'))
            assert list(head(feats[size]).shape) == out, (name, row)


def test_table_of_convolutions(oracle_dir) -> None:
    for name, case in found(oracle_dir, 'conv_table').items():
        table = case['in_out_k_stride_pad_dil_bias']
        classes = int(table[-1][1])
        rows = {
            official_name(key): (
                m.in_channels,
                m.out_channels,
                m.kernel_size[0],
                m.stride[0],
                m.padding[0],
                m.dilation[0],
                int(m.bias is not None),
            )
            for key, m in network(classes, 4, 'meta').named_modules()
            if isinstance(m, torch.nn.Conv2d)
        }
        assert list(rows) == case['names'].tolist(), name
        np.testing.assert_array_equal(list(rows.values()), table)


def test_optimizer_treats_all_parameters_alike(oracle_dir) -> None:
    model = network(21, 4, 'meta')
    wrapper = build_optim_wrapper(
        model,
        dict(
            optimizer=dict(type='SGD', lr=0.5, momentum=0.9, weight_decay=0.25)
        ),
    )
    rate = {
        id(p): (group['lr'] / 0.5, group['weight_decay'] / 0.25)
        for group in wrapper.param_groups
        for p in group['params']
    }
    groups = [model.backbone, model.decode_head]
    for case in found(oracle_dir, 'optimizer_groups').values():
        assert len(groups) == case['n_groups']
        for k, group in enumerate(groups):
            parameters = list(group.parameters())
            assert len(parameters) == case['tensors_per_group'][k]
            assert {rate[id(p)] for p in parameters} == {
                (case['lr_multiplier'][k], case['weight_decay_multiplier'][k])
            }


def test_eval_forward(oracle_dir, filled) -> None:
    for case in found(oracle_dir, 'eval_').values():
        model = filled(int(case['num_classes']), str(case['salt'])).eval()
        with torch.no_grad():
            feat = model.extract_feat(image(case))[-1]
            logits = model.decode_head([feat])
        assert_near(logits, case['logits'], 1e-4)
        assert_near(feat[0, :32], case['feat_slice'], 1e-4)
        assert_near(feat.mean(), case['feat_mean'], 1e-4)
        assert_near(feat.abs().mean(), case['feat_abs_mean'], 1e-4)


def test_train_forward_and_gradients(oracle_dir) -> None:
    for case in found(oracle_dir, 'train').values():
        model = network(int(case['num_classes'])).train()
        fill(model, str(case['salt']))
        logits = model(image(case))
        logits.square().mean().backward()
        assert_near(logits.detach(), case['logits'], 1e-3)
        norms = {
            official_name(k): p.grad.norm().item()
            for k, p in model.named_parameters()
        }
        names = case['grad_norm_names'].tolist()
        assert set(norms) <= set(names)
        # -1: no gradient at all, the branches we do not have.
        got = [norms.get(name, -1) for name in names]
        assert_near(got, case['grad_norms'], 1e-3)
        # Single norms of the file are up to 1.9e-3 from a float64 run.
        np.testing.assert_allclose(got, case['grad_norms'], rtol=5e-3)
        bn = model.backbone.bn1
        assert_near(bn.running_mean, case['bn1_running_mean_after'], 1e-3)
        assert_near(bn.running_var, case['bn1_running_var_after'], 1e-3)


def test_head_alone(oracle_dir) -> None:
    for case in found(oracle_dir, 'head').values():
        state = {
            key.removeprefix('0_').replace('_', '.'): torch.tensor(value)
            for key, value in case.items()
            if key.startswith('0_convs')
        }
        classes, channels = state['convs.0.weight'].shape[:2]
        head = MODELS.build(
            dict(
                type='DeepLabV2Head',
                in_channels=channels,
                in_index=0,
                num_classes=classes,
            )
        )
        head.load_state_dict(state, strict=True)
        x = torch.tensor(case['x'], requires_grad=True)
        y = head([x])
        y.square().sum().backward()
        assert_near(y.detach(), case['y'], 1e-5)
        assert_near(x.grad, case['grad_x'], 1e-5)
