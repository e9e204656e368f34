"""The step and the dropout of UniMatch V2 against the official code."""

import numpy as np
import torch

from mmsemi.models.perturbations import ComplementaryChannelDropout
from mmsemi.models.segmentors import Batch, UniMatchV2
from tests.models.segmentors.peers import total, unimatch_v2
from tests.oracles.kinds import files, load
from tests.oracles.test_unimatch_v1 import played


class Played(UniMatchV2):
    """The step as it is, with recorded logits and boxes."""

    def play(self, z):
        names = ('pred_x', 'pred_u_s1', 'pred_u_s2')
        self.leaves = {
            k: torch.from_numpy(z[k]).requires_grad_() for k in names
        }
        self.teacher_logits = torch.from_numpy(z['pred_u_w'])
        boxes = [torch.from_numpy(z[f'cutmix_box{k}']) > 0 for k in '12']
        self.mixing.draw = lambda targets: boxes.pop(0)
        self.records = {}

    def look(self, network, images, training=False):
        assert network is self.teacher and not training
        return self.teacher_logits

    def decode(self, network, images, auxiliary=True, perturb=None):
        names = ['pred_u_s1', 'pred_u_s2'] if perturb else ['pred_x']
        return dict(decode=torch.cat([self.leaves[k] for k in names]))


def test_terms_and_gradients(oracle_dir):
    for path in files(oracle_dir, 'unimatch', 'v2_loss'):
        z = load(path)
        model = unimatch_v2(
            Played, float(z['conf_thresh']), num_classes=z['pred_x'].shape[1]
        )
        model.play(z)
        views = [torch.from_numpy(z[f'img_u_s{k}']) for k in '12']
        losses = model.step(
            Batch(
                torch.zeros_like(views[0]),
                played(z['mask_x']),
                torch.zeros_like(views[0]),
                views,
                torch.from_numpy(z['ignore_mask']) != 255,
            )
        )
        for key, term, factor in (
            ('loss_sup_ce', 'loss_x', 0.5),
            ('loss_unsup', 'loss_u_s1', 0.25),
            ('loss_unsup_2', 'loss_u_s2', 0.25),
        ):
            found = losses[key].item()
            wanted = np.nan_to_num(z[term]) * factor
            np.testing.assert_allclose(found, wanted, 1e-5, 1e-6)
        # Where every pixel is ignored an official term is NaN.
        if np.isfinite(z['loss']):
            found = total(losses).item()
            np.testing.assert_allclose(found, z['loss'], 1e-5, 1e-6)
            half = 2 * (losses['loss_unsup'] + losses['loss_unsup_2']).item()
            np.testing.assert_allclose(half, z['loss_u_s'], 1e-5, 1e-6)
        for k, record in enumerate(model.records['mixed'], 1):
            targets = record.targets
            assert np.array_equal(record.images, z[f'out_img_u_s{k}'])
            valid = z[f'ignore_mask_cutmixed{k}'] != 255
            assert (targets.valid.numpy() == valid).all()
            labels = z[f'mask_u_w_cutmixed{k}']
            assert (targets.labels.numpy() == labels)[valid].all()
            np.testing.assert_allclose(
                targets.confidence, z[f'conf_u_w_cutmixed{k}'], 1e-5, 1e-6
            )
        total(losses).backward()
        for name, leaf in model.leaves.items():
            np.testing.assert_allclose(
                leaf.grad, np.nan_to_num(z[f'grad_{name}']), 1e-5, 1e-6
            )


class Drawn(ComplementaryChannelDropout):
    """With recorded draws."""

    def __init__(self, z):
        super().__init__()
        self.on = torch.from_numpy(z['bernoulli']) > 0
        self.order = torch.from_numpy(z['randperm'])

    def draw_kept(self, number, device):
        assert number == len(self.order)
        return self.order[: int(number * self.keep)]

    def draw_on(self, number, channels, device):
        assert (number, channels) == tuple(self.on.shape)
        return self.on


def test_complementary_dropout(oracle_dir):
    for path in files(oracle_dir, 'unimatch', 'v2_comp_drop'):
        z = load(path)
        levels = z.like(r'feat\d+')
        # Tokens are a map of one column here.
        feats = tuple(
            torch.from_numpy(z[k]).transpose(1, 2)[..., None] for k in levels
        )
        for key, found in zip(levels, Drawn(z)(feats)):
            wanted = z[key.replace('feat', 'out')]
            assert np.array_equal(found[..., 0].transpose(1, 2), wanted)
