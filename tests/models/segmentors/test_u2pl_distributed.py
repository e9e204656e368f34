"""U2PL in two gloo processes against one with both batches.

What is published per process stays so: the percentiles of the entropy, the
mean over the labels that are left, and, of the contrastive objective, its
anchors, positives and draws. One process that does these for each half of
its batch, and everything else at once, must train alike; the bank is the
same for all.
"""

import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from mmsemi.models.pseudo_labelers import EntropySplit
from mmsemi.models.segmentors import U2PL
from tests.models.segmentors.test_u2pl import build
from tests.models.tiny import batch
from tests.processes import in_two

STEPS = 3
IMAGES = 2  # of each kind in a process


def frozen(cls=U2PL) -> U2PL:
    """The same model everywhere, without batch statistics and dropout."""
    init_default_scope('mmsemi')
    torch.set_num_threads(1)
    model = build(
        type=cls, semi_train_cfg=dict(iters_per_epoch=1), mixing=None
    )
    # Statistics of real maps, else all pixels have one class and feature.
    norms = [
        m
        for m in model.student.modules()
        if isinstance(m, torch.nn.BatchNorm2d)
    ]
    for norm in norms:
        norm.momentum = 1.0
    torch.nn.init.normal_(model.student.decode_head.conv_seg.weight, std=0.7)
    data = model.data_preprocessor(both(STEPS), True)
    with torch.no_grad():
        model.decode(model.student, data['inputs']['sup'])
    model.sync_copy('teacher')
    model.teacher_follows = True
    return model.eval()


HALVES = slice(0, IMAGES), slice(IMAGES, 2 * IMAGES)


class DrawnLoss(torch.nn.Module):
    """A contrastive objective that draws the same again."""

    def __init__(self, loss: torch.nn.Module) -> None:
        super().__init__()
        self.loss, self.seed = loss, 0

    def forward(self, *args) -> torch.Tensor:
        torch.manual_seed(self.seed)
        return self.loss(*args)

    @property
    def bank(self):
        return self.loss.bank


class TwoInOne(U2PL):
    """Does for each half of a batch what U2PL does for each process."""

    def divide(self, logits, targets) -> EntropySplit:
        found = [
            super(TwoInOne, self).divide(logits[part], targets.keep(part))
            for part in HALVES
        ]
        return EntropySplit(*(torch.cat(maps) for maps in zip(*found)))

    def filtered_loss(self, logits, targets, split) -> dict:
        return mean(
            [
                super(TwoInOne, self).filtered_loss(
                    logits[part],
                    targets.keep(part),
                    EntropySplit(*(m[part] for m in split)),
                )
                for part in HALVES
            ]
        )

    def contrast_loss(self, truth, pseudo, split, student, teacher) -> dict:
        def both(maps, part):
            sup, unsup = maps.chunk(2)
            return torch.cat([sup[part], unsup[part]])

        bank, collected, seed = self.contrast.bank, [], self.contrast.seed
        append = bank.append
        for write in (True, False):
            # Rows of both go into the bank before either reads it.
            bank.append = lambda *rows: collected.append(rows)
            losses = []
            for half, part in enumerate(HALVES):
                self.contrast.seed = seed + half
                losses.append(
                    super().contrast_loss(
                        truth[part],
                        pseudo[part],
                        EntropySplit(*(m[part] for m in split)),
                        {k: both(v, part) for k, v in student.items()},
                        {k: both(v, part) for k, v in teacher.items()},
                    )
                )
            if write:
                features, masks = zip(*collected)
                append(torch.cat(features), torch.cat(masks, 1))
        bank.append = append
        return mean(losses)


def mean(losses: list) -> dict:
    """Mean of each loss or figure of several processes."""
    return {
        key: sum(part[key] for part in losses) / len(losses)
        for key in losses[0]
    }


def part(rank: int, step: int) -> dict:
    """Batch of one rank, all of whose labeled parts are equally large."""
    data = batch(
        dict(sup=IMAGES, unsup_teacher=IMAGES, unsup_student=IMAGES),
        seed=10 * step + rank,
    )
    for branch in ('unsup_teacher', 'unsup_student'):
        for sample in data['data_samples'][branch]:
            sample.gt_sem_seg.data[:, :24] = 0
            sample.gt_sem_seg.data[:, 24:] = 255
    return data


def both(step: int) -> dict:
    """Batches of both ranks as one."""
    one, two = part(0, step), part(1, step)
    return {
        key: {b: one[key][b] + two[key][b] for b in one[key]} for key in one
    }


def steps(model, data: list, rank: int = 0) -> tuple:
    """Losses of every step; weights and bank after the last."""
    from mmsemi.engine.hooks.mean_teacher_hook import move_teacher
    from mmsemi.models.wrappers import unwrapped

    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.002))
    inner, losses = unwrapped(model), []
    inner.contrast = DrawnLoss(inner.contrast)
    for step, item in enumerate(data):
        inner.set_progress(step, 2 * len(data))
        inner.contrast.seed = 10 * step + rank
        logs = model.train_step(item, optim)
        losses.append({k: v.detach() for k, v in logs.items()})
        move_teacher(inner.teacher, inner.student, 0.1, 'own')
    return losses, {k: v.clone() for k, v in inner.state_dict().items()}


def worker(rank: int, folder: str) -> None:
    model = MMDistributedDataParallel(
        frozen(), device_ids=None, broadcast_buffers=False
    )
    model.eval()
    result = steps(model, [part(rank, k) for k in range(STEPS)], rank)
    torch.save(result, f'{folder}/rank{rank}.pth')


def test_two_processes_train_as_one(tmp_path) -> None:
    in_two(worker, tmp_path)
    ranks = [torch.load(tmp_path / f'rank{k}.pth') for k in range(2)]
    data = [both(k) for k in range(STEPS)]
    losses, weights = steps(frozen(TwoInOne), data)
    for k, want in enumerate(losses):
        assert {'loss_sup_ce', 'loss_unsup', 'loss_contra'} < set(want)
        found = mean([rank[0][k] for rank in ranks])
        for key, value in want.items():
            assert value > 0
            torch.testing.assert_close(
                found[key], value, rtol=1e-4, atol=1e-6, msg=f'{k} {key}'
            )
    for key, value in weights.items():
        torch.testing.assert_close(
            ranks[0][1][key], value, rtol=1e-4, atol=1e-5, msg=key
        )
        assert torch.equal(ranks[0][1][key], ranks[1][1][key]), key
    assert any('bank.rows' in key for key in weights)
    # The plain model with both batches differs only where said above.
    plain = steps(frozen(), data[:1])[0][0]
    for key in ('loss_sup_ce', 'mean_confidence'):
        torch.testing.assert_close(
            plain[key], losses[0][key], rtol=1e-4, atol=0
        )
