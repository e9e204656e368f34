"""Contrastive objective, one-hot labels and memory bank of U2PL."""

import re
from functools import partial

import torch
import torch.nn.functional as F

from mmsemi.models.losses import (
    ClassMemoryBank,
    ReleasedPixelContrastLoss,
    UnreliablePixelContrastLoss,
)
from mmsemi.models.losses.released_contrast_loss import FORMS, mixed_up_onehot
from mmsemi.utils.labels import label_onehot
from tests.oracles.kinds import Arrays, files, load
from tests.oracles.test_u2pl_pixel_losses import tensors

SETTINGS = dict(
    positive_threshold='current_class_threshold',
    negative_threshold='current_class_negative_threshold',
    low_rank='low_rank',
    high_rank='high_rank',
    temperature='temperature',
    num_anchors='num_queries',
    num_negatives='num_negatives',
)


def test_one_hot(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'label_onehot'):
        for name, case in tensors(path):
            label, count = case['label'], int(case['num_segments'])
            for key, function in (
                ('onehot_correct', label_onehot),
                ('onehot_as_released', mixed_up_onehot),
            ):
                ours = function(label, count)
                assert torch.equal(ours.float(), case[key]), (name, key)
            small = case['small_correct']
            shrunk = F.interpolate(label[:, None].float(), small.shape[2:])
            assert torch.equal(
                label_onehot(shrunk[:, 0].long(), count).float(), small
            )


def test_one_hot_of_the_entropy_masks(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'entropy_masks'):
        for name, case in tensors(path):
            for key, label in (('l', 'label_l'), ('u', 'label_u_aug')):
                want = case[f'label_{key}_small_as_released']
                small = F.interpolate(
                    case[label][:, None].float(), want.shape[2:]
                )[:, 0].long()
                ours = mixed_up_onehot(small, want.shape[1])
                assert torch.equal(ours.long(), want), (name, key)


def test_memory_bank(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'memory_bank'):
        arrays = load(path, torch.from_numpy)
        runs = sorted(
            {m[1] for k in arrays if (m := re.match(r'(.+?)_queue_size', k))}
        )
        for run in runs:
            steps = int(arrays[f'{run}_steps'])
            size = int(arrays[f'{run}_queue_size'])
            bank = None
            for t in range(steps):
                keys = [
                    arrays[k]
                    for k in sorted(arrays, key=lambda k: (len(k), k))
                    if k.startswith(f'{run}_t{t}_keys')
                ]
                if bank is None:
                    bank = ClassMemoryBank(1, keys[0].shape[1], size)
                # Rows of all ranks, as the gathering hands them over.
                keys = torch.cat(keys)
                added = bank.append(
                    keys, torch.ones(1, len(keys), dtype=torch.bool)
                )
                assert torch.equal(
                    bank.queue(0), arrays[f'{run}_t{t}_queue']
                ), (run, t)
                assert added.item() == arrays[f'{run}_t{t}_ret']
            # The recorded pointer is that of the last step everywhere.
            assert bank.counts.item() == arrays[f'{run}_t{t}_ptr'].item()


def build(arrays: Arrays, form: str) -> UnreliablePixelContrastLoss:
    """Objective with the settings and the initial bank of a file."""
    # Momentum files; 0.999 is the cap in the official code.
    moving = any(k.endswith(f'_{form}_prototype') for k in arrays)
    momentum = 0.999 if moving else None
    _, _, classes, channels, _, _ = arrays['shape'].tolist()
    settings = {
        ours: arrays[f'cfg_{theirs}'].item()
        for ours, theirs in SETTINGS.items()
    }
    for key in ('low_rank', 'high_rank', 'num_anchors', 'num_negatives'):
        settings[key] = int(settings[key])
    cls = UnreliablePixelContrastLoss
    if form != 'paper_aligned':
        cls = partial(ReleasedPixelContrastLoss, form=form)
    loss = cls(
        classes,
        channels,
        capacity=arrays['queue_size'].tolist(),
        prototype_momentum=momentum,
        loss_weight=1.0,
        **settings,
    )
    if moving:  # the official count of the first step, less the one we add
        loss.prototypes.steps += int(arrays.get('i_iter', torch.ones(1))) - 1
    lengths = arrays['bank_init_len']
    owner = torch.arange(classes).repeat_interleave(lengths)
    loss.bank.append(
        arrays['bank_init'], owner == torch.arange(classes)[:, None]
    )
    return loss


def by_class(indices, places, classes: int):
    """Recorded rows to rows of classes; those left out stay -1."""
    result = torch.full((classes, indices.shape[1]), -1)
    result[places] = indices
    return result


def test_contrast(oracle_dir) -> None:
    for path in files(oracle_dir, 'u2pl', 'contra'):
        arrays = load(path, torch.from_numpy)
        for form in ('paper_aligned', *FORMS):
            if f't0_{form}_loss' not in arrays:
                continue
            loss = build(arrays, form)
            for t in range(int(arrays['steps'])):
                check_step(
                    loss,
                    form,
                    arrays.part(f't{t}_'),
                    f'{path.name} {form} {t}',
                )


def check_step(loss, form: str, given: Arrays, name: str) -> None:
    want = given.part(f'{form}_')
    classes = loss.num_classes
    valid = want['valid_classes']
    places = torch.arange(len(valid))
    if form == 'paper_aligned' or loss.form.by_class:
        places = valid
    rep = given['rep'].clone().requires_grad_()
    before = loss.bank.counts.clone()
    compared = []
    pairs = type(loss).pairs
    loss.pairs = lambda *args: (
        compared.append(pairs(loss, *args)) or (compared[-1])
    )
    value = loss(
        rep,
        given['rep_teacher'],
        torch.cat([given['prob_l'], given['prob_u']]),
        torch.cat([given['label_l'], given['label_u']]),
        given['low_mask'][:, 0],
        given['high_mask'][:, 0],
        len(given['label_l']),
        draws=(
            by_class(want['anchor_idx'], places, classes),
            by_class(want['neg_idx'], places, classes),
        ),
    )
    value.backward()
    ((_, used, present),) = compared
    assert torch.equal(present.nonzero()[:, 0], valid), name
    slots = [places.tolist().index(c) for c in used.nonzero()[:, 0].tolist()]
    assert slots == want['slots_used'].tolist(), name
    torch.testing.assert_close(
        value.detach(),
        want['loss'],
        rtol=1e-5,
        atol=1e-6,
        msg=lambda m: f'{name} loss: {m}',
    )
    torch.testing.assert_close(
        rep.grad,
        want['grad_rep'],
        rtol=1e-4,
        atol=1e-6,
        msg=lambda m: f'{name} gradient: {m}',
    )
    assert torch.equal(loss.bank.counts, want['bank_len']), name
    rows = torch.cat([loss.bank.queue(c) for c in range(classes)])
    assert torch.equal(rows, want['bank']), name
    capacity = loss.bank.capacity
    assert torch.equal(
        loss.bank.counts, (before + want['new_keys']).minimum(capacity)
    ), name
    if 'prototype' in want:
        # One row for each anchor there, all of a class equal.
        assert (want['prototype'] == want['prototype'][:, :1]).all()
        torch.testing.assert_close(
            loss.prototypes.means,
            want['prototype'][:, 0, 0],
            rtol=1e-5,
            atol=1e-6,
            msg=lambda m: f'{name} prototype: {m}',
        )
