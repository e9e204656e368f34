"""Pixel losses, entropy rules and schedules of U2PL."""

import numpy as np
import pytest
import torch
from mmengine.optim import PolyLR

from mmsemi.models.pseudo_labelers import masked_percentiles, pixel_entropy
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS
from tests.oracles.kinds import files, load, numbered, some


def tensors(path, prefix: str = 'c'):
    """``(name, case)`` of the cases ``c<N>_...`` of a file, as tensors."""
    return numbered(path, prefix, torch.from_numpy).items()


def check_loss(name, loss, pred, case, loss_key, grad_key) -> None:
    loss.backward()
    torch.testing.assert_close(
        loss.detach(),
        # The mean over no pixel is NaN there, 0 here.
        case[loss_key].nan_to_num(0),
        rtol=1e-5,
        atol=1e-6,
        msg=lambda m: f'{name}: {m}',
    )
    torch.testing.assert_close(
        pred.grad,
        case[grad_key].nan_to_num(0),
        rtol=1e-4,
        atol=1e-6,
        msg=lambda m: f'{name}: {m}',
    )


def test_unsupervised_loss(oracle_dir) -> None:
    labeler = MODELS.build(dict(type='EntropyPercentilePseudoLabeler'))
    criterion = MODELS.build(dict(type='EntropyFilteredCrossEntropyLoss'))
    for path in files(oracle_dir, 'u2pl', 'unsup_loss'):
        for name, case in tensors(path):
            entropy = pixel_entropy(case['pred_teacher'].softmax(1))
            torch.testing.assert_close(
                entropy, case['entropy'], rtol=1e-5, atol=1e-6
            )
            labeler.drop_percent = case['percent'].item()
            labels = labeler.split(entropy, case['target'], 0).labels
            # A pixel exactly on the threshold may fall on either side.
            assert (labels != case['target_after']).sum() <= 1, name
            labels = case['target_after']
            assert (labels != 255).sum() == case['num_valid']
            pred = case['predict'].requires_grad_()
            check_loss(
                name,
                criterion(pred, Targets(labels)),
                pred,
                case,
                'loss',
                'grad_predict',
            )


def test_reverse_cross_entropy(oracle_dir) -> None:
    criterion = MODELS.build(dict(type='ReverseCrossEntropyLoss'))
    for path in files(oracle_dir, 'u2pl', 'rce_loss'):
        for name, case in tensors(path):
            pred = case['predict'].requires_grad_()
            loss = criterion(pred, Targets(case['target']))
            check_loss(name, loss, pred, case, 'loss', 'grad_predict')


def test_ohem(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'criterion'):
        for name, case in tensors(path):
            criterion = MODELS.build(
                dict(
                    type='OHEMCrossEntropyLoss',
                    thresh=case['thresh'].item(),
                    min_kept=case['min_kept'].item(),
                )
            )
            pred, target = case['pred'].requires_grad_(), case['target']
            pixel = torch.nn.functional.cross_entropy(
                pred.detach(), target, reduction='none', ignore_index=255
            )
            kept = criterion.kept(pixel, target != 255)
            assert torch.equal(
                target.masked_fill(~kept, 255), case['kept_target']
            ), name
            loss = criterion(pred, target)
            torch.testing.assert_close(
                loss.detach(),
                case['ohem_loss'].nan_to_num(0),
                rtol=1e-5,
                atol=1e-6,
            )
            weight = case['aux_weight'].item()
            plain = MODELS.build(dict(type='ClassBalancedCrossEntropyLoss'))
            plain_loss = plain(pred.detach(), target)
            if weight:
                loss = loss + weight * criterion(case['aux'], target)
                plain_loss = plain_loss + weight * plain(case['aux'], target)
            torch.testing.assert_close(
                plain_loss,
                case['ce_total_loss'].nan_to_num(0),
                rtol=1e-5,
                atol=1e-6,
            )
            check_loss(name, loss, pred, case, 'total_loss', 'grad_pred')


def test_entropy_masks(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'entropy_masks'):
        for name, case in tensors(path):
            labeler = MODELS.build(
                dict(
                    type='EntropyPercentilePseudoLabeler',
                    high_only=bool(case['negative_high_entropy']),
                )
            )
            epoch, epochs = case['epoch_epochs'].tolist()
            progress = epoch / epochs
            np.testing.assert_allclose(
                labeler.low_percent_at(progress), case['alpha_t'], rtol=1e-12
            )
            labels = case['label_u_aug']
            entropy = pixel_entropy(case['pred_u_large_teacher'].softmax(1))
            split = labeler.split(entropy, labels, progress)
            size = tuple(case['small_hw'].tolist())
            labeled = case['label_l'] != 255
            for ours, theirs in (
                (split.low, 'low_mask_all'),
                (split.high, 'high_mask_all'),
            ):
                both = torch.cat([labeled, ours])[:, None].float()
                small = torch.nn.functional.interpolate(both, size)
                assert (small != case[theirs]).sum() <= 1, (name, theirs)
            alpha = labeler.low_percent_at(progress)
            limits = masked_percentiles(
                entropy, labels != 255, [alpha, 100 - alpha]
            )
            theirs = torch.cat([case['low_thresh'], case['high_thresh']])
            torch.testing.assert_close(
                limits, theirs.float(), rtol=1e-5, atol=1e-6
            )


RULES = ('drop_percent_', 'alpha_t_', 'ael_percent_')


@pytest.mark.parametrize('rule', RULES)
def test_percent_schedules(oracle_dir, rule) -> None:
    for arrays, name in schedules(oracle_dir, f'{rule}.*'):
        start, epochs = arrays[f'{name}_args'].tolist()
        labeler = MODELS.build(
            dict(
                type='EntropyPercentilePseudoLabeler',
                drop_percent=start,
                low_percent=start,
            )
        )
        ours = (
            labeler.drop_percent_at
            if rule == 'drop_percent_'
            else labeler.low_percent_at
        )
        np.testing.assert_allclose(
            [ours(t / epochs) for t in range(len(arrays[name]))],
            arrays[name],
            rtol=1e-12,
            atol=1e-12,
            err_msg=name,
        )


def test_poly_schedule_is_mmengines(oracle_dir) -> None:
    """PolyLR with end = total + 1 is the published learning rate."""
    for arrays, used in schedules(oracle_dir, r'poly\d+_used'):
        name = used.removesuffix('_used')
        length, epochs, first, power = arrays[f'{name}_args'].tolist()
        total, start = round(length * epochs), round(length * first)
        groups = [
            dict(params=[torch.zeros(1)], lr=lr)
            for lr in arrays[f'{name}_base']
        ]
        optimizer = torch.optim.SGD(groups)
        schedule = PolyLR(
            optimizer,
            power=power,
            eta_min=0,
            by_epoch=False,
            begin=0,
            end=total + 1,
        )
        rates = []
        for _ in range(start + len(arrays[used])):
            rates.append([g['lr'] for g in optimizer.param_groups])
            optimizer.step()
            schedule.step()
        np.testing.assert_allclose(
            rates[start:], arrays[used], rtol=1e-12, atol=1e-15
        )
        reported = arrays.get(f'{name}_reported')
        if reported is not None:  # the rate of the step before
            np.testing.assert_allclose(
                [arrays[f'{name}_base'], *rates[start:-1]],
                reported,
                rtol=1e-12,
                atol=1e-15,
            )


def schedules(oracle_dir, pattern: str) -> list:
    """``(arrays, name)`` of the outputs that match; skips where none does."""
    loaded = [load(path) for path in files(oracle_dir, 'u2pl', 'schedules')]
    return some(
        (
            (arrays, name)
            for arrays in loaded
            for name in arrays.like(pattern)
            if not name.endswith('_args')
        ),
        f'schedule {pattern}',
    )
