"""The step of UniMatch V1 against the official training script."""

import numpy as np
import torch

from mmsemi.models.segmentors import Batch, UniMatch
from tests.models.segmentors.peers import total, unimatch
from tests.models.tiny import sample
from tests.oracles.kinds import files, load


def played(labels):
    """Labeled samples of recorded label maps."""
    return [sample(torch.from_numpy(label)) for label in labels]


class Played(UniMatch):
    """The step as it is, with recorded logits, padding and boxes."""

    def play(self, z):
        self.z = load(z.path, torch.from_numpy)
        self.leaves = {
            k: self.z[k].clone().requires_grad_()
            for k in ('pred_x', 'pred_u_w', 'pred_u_w_fp')
            + ('pred_u_s1', 'pred_u_s2')
        }
        boxes = [self.z['cutmix_box1'] > 0, self.z['cutmix_box2'] > 0]
        self.mixing.draw = lambda targets: boxes.pop(0)
        self.learned = []

    def look(self, network, images, training=False):
        # The recorded ones are those of the partners, so before the flip.
        return self.z['pred_u_w_mix'].flip(0)

    def decode(self, network, images, auxiliary=True, perturb=None):
        leaves = self.leaves
        if perturb is None:
            names = ['pred_u_s1', 'pred_u_s2']
            return dict(decode=torch.cat([leaves[k] for k in names]))
        # Nothing uses the perturbed logits of labeled images.
        names = ['pred_x', 'pred_u_w', 'pred_x', 'pred_u_w_fp']
        return dict(decode=torch.cat([leaves[k] for k in names]))

    def label(self, logits, batch):
        if not logits.requires_grad:
            valid = self.z['ignore_mask_mix'].flip(0) != 255
            batch = batch.change(valid=valid)
        return super().label(logits, batch)

    def unsup(self, logits, targets, *args):
        self.learned.append(targets)
        return super().unsup(logits, targets, *args)


def test_terms_and_gradients(oracle_dir):
    for path in files(oracle_dir, 'unimatch', 'v1_loss'):
        z = load(path)
        n, classes, height, width = z['pred_x'].shape
        model = unimatch(Played, float(z['conf_thresh']), num_classes=classes)
        model.play(z)
        image = torch.zeros(n, 3, height, width)
        losses = model.step(
            Batch(
                image,
                played(z['mask_x']),
                image,
                [image, image],
                torch.from_numpy(z['ignore_mask']) != 255,
            )
        )
        for key, term, factor in (
            ('loss_sup_ce', 'loss_x', 0.5),
            ('loss_unsup', 'loss_u_s1', 0.125),
            ('loss_unsup_2', 'loss_u_s2', 0.125),
            ('loss_unsup_fp', 'loss_u_w_fp', 0.25),
        ):
            # Where every pixel is ignored an official term is NaN.
            wanted = np.nan_to_num(z[term]) * factor
            found = losses[key].detach().numpy()
            np.testing.assert_allclose(found, wanted, 1e-5, 1e-6, err_msg=key)
        if np.isfinite(z['loss']):
            found = total(losses).item()
            np.testing.assert_allclose(found, z['loss'], 1e-5, 1e-6)
        for k, targets in enumerate(model.learned[:2], 1):
            valid = z[f'ignore_mask_cutmixed{k}'] != 255
            assert (targets.valid.numpy() == valid).all()
            labels = z[f'mask_u_w_cutmixed{k}']
            assert (targets.labels.numpy() == labels)[valid].all()
            np.testing.assert_allclose(
                targets.confidence, z[f'conf_u_w_cutmixed{k}'], 1e-5, 1e-6
            )
        total(losses).backward()
        grad = model.leaves['pred_u_w'].grad
        assert grad is None or grad.any() == z['pred_u_w_has_grad']
        for name, leaf in model.leaves.items():
            if name != 'pred_u_w':
                wanted = np.nan_to_num(z[f'grad_{name}'])
                np.testing.assert_allclose(leaf.grad, wanted, 1e-5, 1e-6)
