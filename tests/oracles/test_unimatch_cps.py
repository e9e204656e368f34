"""The steps of CPS, without and with CutMix, against the official code."""

import numpy as np
import torch

from mmsemi.models.segmentors import CPS, Batch
from tests.models.segmentors.peers import CPS_CUTMIX, cps, total
from tests.oracles.kinds import files, load
from tests.oracles.test_unimatch_v1 import played


def side(model, network):
    """Name of a branch in the file, by the network."""
    return 'l' if network is model.student else 'r'


class Played(CPS):
    """The step as it is, with recorded logits."""

    def decode_joint(self, network, batch, images, perturb=None):
        name = side(self, network)
        return tuple(
            dict(decode=self.leaves[f'pred_{part}_{name}'])
            for part in ('sup', 'unsup')
        )


def test_terms_and_gradients(oracle_dir):
    for path in files(oracle_dir, 'unimatch', 'cps'):
        z = load(path)
        n, classes, height, width = z['pred_sup_l'].shape
        model = cps(Played, float(z['cps_weight']), num_classes=classes)
        model.leaves = {
            k: torch.from_numpy(z[k]).requires_grad_()
            for k in z.like('pred_.*')
        }
        image = torch.zeros(n, 3, height, width)
        valid = torch.ones(n, height, width) > 0
        model.records = {}
        losses = model.step(
            Batch(image, played(z['gt']), image, [], valid, [])
        )
        crossed = losses['loss_unsup'] + losses['loss_unsup_2']
        for found, wanted in (
            (losses['loss_sup_ce'], z['loss_sup_l']),
            (losses['loss_sup_2_ce'], z['loss_sup_r']),
            (crossed, z['cps_loss_weighted']),
        ):
            np.testing.assert_allclose(
                found.detach(), np.nan_to_num(wanted), 1e-5, 1e-6
            )
        if np.isfinite(z['loss']):
            found = total(losses).item()
            np.testing.assert_allclose(found, z['loss'], 1e-5, 1e-6)
        for name, record in zip('lr', model.records['labeled']):
            # Labeled images come first in the file.
            labels = record.targets.labels.roll(n, 0)
            assert np.array_equal(labels, z[f'pseudo_{name}'])
        total(losses).backward()
        for name, leaf in model.leaves.items():
            np.testing.assert_allclose(
                leaf.grad, np.nan_to_num(z[f'grad_{name}']), 1e-5, 1e-6
            )


class PlayedCutMix(CPS):
    """The step as it is, with the two streams as one batch.

    Its second half holds, in reverse order, what is pasted into the first,
    of which alone the students' logits are recorded.
    """

    def look(self, network, images, training=False):
        assert training
        k = 1 if network is self.student else 2
        one, two = (self.z[f'logits_u{i}_tea_{k}'] for i in '01')
        return torch.cat([one, two.flip(0)])

    def decode_joint(self, network, batch, images, perturb=None):
        k = 1 if network is self.student else 2
        sup = torch.zeros(1, self.num_classes, *batch.size)
        return dict(decode=sup), dict(decode=self.leaves[k])

    def unsup(self, logits, targets, *args, **kwargs):
        targets = targets.keep(slice(len(logits)))
        self.learned.append(targets.labels)
        return super().unsup(logits, targets, *args, **kwargs)


def test_terms_and_gradients_with_cutmix(oracle_dir):
    for path in files(oracle_dir, 'unimatch', 'cps_cutmix'):
        z = load(path)
        n, classes, height, width = z['logits_cons_stu_1'].shape
        mixing = dict(CPS_CUTMIX, partner='flip')
        model = cps(PlayedCutMix, 1.0, num_classes=classes, mixing=mixing)
        model.z = load(path, torch.from_numpy)
        model.leaves = {
            k: model.z[f'logits_cons_stu_{k}'].requires_grad_() for k in (1, 2)
        }
        model.learned = []
        mask = model.z['mask'][:, 0] > 0
        mask = torch.cat([mask, torch.zeros_like(mask)])
        model.mixing.draw = lambda targets, mask=mask: mask
        images = torch.zeros(2 * n, 3, height, width)
        gt = np.zeros((1, height, width), np.int64)
        valid = torch.ones(2 * n, height, width) > 0
        losses = model.step(
            Batch(images[:1], played(gt), images, [], valid, [])
        )
        two, one = model.learned
        assert np.array_equal(one, z['ps_label_1'])
        assert np.array_equal(two, z['ps_label_2'])
        crossed = losses['loss_unsup'] + losses['loss_unsup_2']
        np.testing.assert_allclose(
            crossed.item(), z['cps_loss_unweighted'], 1e-5, 1e-6
        )
        crossed.backward()
        for k, leaf in model.leaves.items():
            np.testing.assert_allclose(
                leaf.grad, z[f'grad_stu_{k}'], 1e-5, 1e-6
            )
