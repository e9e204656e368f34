"""AEL's banks, mixing and loss."""

import random

import numpy as np
import torch

from mmsemi.models.losses import ClassConfidenceBank
from mmsemi.models.losses.class_confidence_bank import keep_rates
from mmsemi.models.mixing.adaptive import (
    class_distribution,
    class_presence,
    component_box,
    draw_source,
)
from mmsemi.models.mixing.copy_paste import (
    NEVER_PASTED,
    paste_classes,
    paste_distribution,
)
from mmsemi.models.targets import Targets
from mmsemi.ops.boxes import fixed_share_boxes
from mmsemi.registry import MODELS
from tests.oracles.kinds import Arrays, files, load
from tests.oracles.test_u2pl_pixel_losses import tensors


def test_confidence_bank(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'ael_confidence_bank'):
        for name, case in tensors(path):
            # Theirs is the weight of the old value.
            bank = ClassConfidenceBank(
                case['bank0'].shape[1], 1 - case['momentum'].item()
            )
            bank.confidence.copy_(case['bank0'][0])
            for t in range(int(case['steps'])):
                batch = bank.update(case[f't{t}_logits'], case[f't{t}_gt'])
                torch.testing.assert_close(
                    batch, case[f't{t}_confidence'], rtol=1e-5, atol=1e-6
                )
                # The other rows only decay there and are never read.
                np.testing.assert_allclose(
                    bank.confidence,
                    case[f't{t}_bank'][0],
                    rtol=1e-5,
                    atol=1e-6,
                    err_msg=name,
                )


def test_sampling(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'ael_sampling'):
        for name, case in tensors(path):
            bank = case['bank']
            presence = case['cutmix_bank'].numpy() > 0
            for smooth in (False, True):
                key = f'smooth{int(smooth)}_'
                if key + 'prob' not in case:
                    continue
                ours = class_distribution(bank, smooth)
                torch.testing.assert_close(
                    ours, case[key + 'prob'], rtol=1e-5, atol=1e-6
                )
                ours = (ours / ours.sum()).numpy()
                rng = np.random.RandomState(0)
                drawn = [draw_source(ours, presence, rng) for _ in range(400)]
                theirs = zip(
                    case[key + 'class_ids'].tolist(),
                    case[key + 'sample_ids'].tolist(),
                )
                for c, image in [*theirs, *drawn]:
                    assert presence[c, image] or not presence[c].any(), name
                counts = np.bincount(
                    [c for c, _ in drawn], minlength=len(ours)
                )
                spread = np.sqrt(400 * ours * (1 - ours))
                assert (abs(counts - 400 * ours) <= 5 * spread + 3).all()
            check_pasted(bank, case, name)
            if 'pixel_keep_rate_gamma2_1' in case:
                torch.testing.assert_close(
                    keep_rates(bank),
                    case['pixel_keep_rate_gamma2_1'],
                    rtol=1e-5,
                    atol=1e-6,
                )


def check_pasted(bank: torch.Tensor, case: Arrays, name: str) -> None:
    """Classes that may be pasted and their probabilities, where stored."""
    classes = torch.tensor(
        [c for c in range(len(bank)) if c not in NEVER_PASTED]
    )
    if 'target_cat' in case:
        assert torch.equal(classes, case['target_cat']), name
    if 'copy_paste_prob' in case:
        torch.testing.assert_close(
            paste_distribution(bank[classes]),
            case['copy_paste_prob'],
            rtol=1e-5,
            atol=1e-6,
        )


def test_copy_paste(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'ael_copy_paste'):
        for name, case in tensors(path):
            base, other = case['images'].split(3, 1)
            label, other_label = case['labels'].chunk(2, 1)
            chosen = torch.zeros(255, dtype=torch.bool)
            chosen[case['query']] = True
            # An empty second image, all zeros, is not pasted.
            used = other_label.flatten(1).any(1)
            images, labels = paste_classes(
                base, label, other, other_label, chosen, used
            )
            assert torch.equal(images, case['out_images']), name
            assert torch.equal(labels, case['out_labels']), name


def test_adaptive_cutmix(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'ael_adaptive_cutmix'):
        for name, case in tensors(path):
            bank = case['bank_before'].clone()
            logits = case['logits']
            ids = [int(case['img_id']), int(case['sample_id'])]
            bank[:, ids] = class_presence(
                logits.argmax(1), len(bank), case['area_thresh'].item()
            ).to(bank)
            assert torch.equal(bank, case['bank_after']), name
        for name, case in tensors(path, 'm'):
            # Growing and shrinking of the box is not covered, nor here.
            assert case['no_pad'] == 1 and case['no_slim'] == 1
            seed = int(case['seed'])
            y0, x0, y1, x1 = component_box(
                case['pred'].numpy(),
                int(case['cat']),
                case['area_thresh'].item(),
                random.Random(seed).shuffle,
                np.random.RandomState(seed),
            )
            mask = torch.zeros_like(case['mask'])
            mask[y0:y1, x0:x1] = 1
            assert torch.equal(mask, case['mask']), name
        arrays = load(path)
        for key in arrays.like(r'rect\d+'):
            size = int(arrays[f'{key}_size'])
            rng = np.random.RandomState(int(arrays[f'{key}_seed']))
            box = fixed_share_boxes(1, size, size, rng)[0, 0]
            np.testing.assert_array_equal(box, arrays[key], err_msg=key)


def test_consistency_loss(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'ael_consistency_loss'):
        for name, case in tensors(path):
            sample = bool(case['sample'])
            loss = MODELS.build(
                dict(
                    type='EqualizationConsistencyLoss',
                    num_classes=len(case['bank']),
                    gamma=case['gamma'].item(),
                    sample_gamma=case['gamma2'].item(),
                    sample=sample,
                )
            )
            loss.bank.confidence.copy_(case['bank'])
            pred = case['pred'].requires_grad_()
            value = loss(
                pred,
                Targets(case['gt'], case['conf']),
                case['rand'] if sample else None,
            )
            value.backward()
            np.testing.assert_allclose(
                value.detach(),
                # The mean over no pixel is NaN there, 0 here.
                case['loss'].nan_to_num(0),
                rtol=1e-5,
                atol=1e-6,
                err_msg=name,
            )
            torch.testing.assert_close(
                pred.grad,
                case['grad_pred'].nan_to_num(0),
                rtol=1e-4,
                atol=1e-6,
            )
