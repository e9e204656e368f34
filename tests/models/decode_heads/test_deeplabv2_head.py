import pytest
import torch
from mmseg.registry import MODELS as MMSEG

from mmsemi.registry import MODELS

CFG = dict(
    type='DeepLabV2Head',
    in_channels=8,
    in_index=0,
    num_classes=3,
    loss_decode=dict(type='CrossEntropyLoss'),
)


@pytest.mark.parametrize('used', [1, 2, 4])
def test_sums_the_used_branches(used) -> None:
    head = MODELS.build(dict(CFG, used_branches=used))
    x = torch.randn(2, 8, 30, 31)
    want = sum(conv(x) for conv in head.convs)
    torch.testing.assert_close(head([x]), want)
    assert [c.dilation[0] for c in head.convs] == [6, 12, 18, 24][:used]
    assert set(head.state_dict()) == {
        f'convs.{k}.{name}' for k in range(used) for name in ('weight', 'bias')
    }
    assert head.align_corners


def test_every_parameter_gets_a_gradient() -> None:
    """Else distributed training stops at the second step."""
    head = MODELS.build(CFG)
    head([torch.randn(1, 8, 30, 30)]).sum().backward()
    assert all(p.grad is not None for p in head.parameters())


def test_checkpoints_of_all_branches_are_accepted() -> None:
    full = MODELS.build(dict(CFG, used_branches=4))
    head = MODELS.build(CFG)
    head.load_state_dict(full.state_dict(), strict=True)
    torch.testing.assert_close(head.convs[1].weight, full.convs[1].weight)
    with pytest.raises(RuntimeError, match='convs.2'):
        full.load_state_dict(head.state_dict(), strict=True)


def test_wrong_number_of_branches_is_refused() -> None:
    for used in (0, 5):
        with pytest.raises(ValueError, match='used_branches'):
            MODELS.build(dict(CFG, used_branches=used))


@pytest.mark.parametrize('used', [1, 2, 4])
def test_becomes_a_head_of_mmseg_with_equal_output(used) -> None:
    cfg = {k: v for k, v in CFG.items()}
    cfg['used_branches'] = used
    head = MODELS.build(dict(cfg)).eval()
    plain_cfg, state = head.to_mmseg(cfg)
    plain = MMSEG.build(plain_cfg).eval()
    plain.load_state_dict(state, strict=True)
    x = [torch.randn(2, 8, 30, 31)]
    torch.testing.assert_close(plain(x), head(x))
    assert plain.align_corners == head.align_corners
