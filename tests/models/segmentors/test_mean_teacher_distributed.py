"""Teacher and student in two gloo processes against one with both batches."""

import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from tests.models.tiny import batch, tiny_student
from tests.processes import in_two

STEPS = 3


def build():
    from mmsemi.registry import MODELS

    init_default_scope('mmsemi')
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='MeanTeacher',
            student=tiny_student(auxiliary=True),
            pseudo_labeler=dict(
                type='ConfidencePseudoLabeler', threshold=0.26
            ),
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
        )
    )
    torch.nn.init.normal_(model.student.decode_head.conv_seg.weight, std=9.0)
    model.sync_copy('teacher')
    model.teacher_follows = True
    # Frozen normalization: statistics of a batch differ by its size.
    return model.eval()


def part(rank: int, step: int) -> dict:
    """Batch of one rank; all have equally many valid pixels."""
    data = batch(
        dict(sup=1, unsup_teacher=1, unsup_student=1), seed=10 * step + rank
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


def steps(model, data: list) -> tuple:
    """Losses of every step, and the weights after the last."""
    from mmsemi.engine.hooks.mean_teacher_hook import move_teacher
    from mmsemi.models.wrappers import unwrapped

    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.05))
    losses = []
    for item in data:
        logs = model.train_step(item, optim)
        losses.append({k: v.detach() for k, v in logs.items() if 'loss' in k})
        inner = unwrapped(model)
        move_teacher(inner.teacher, inner.student, 0.1)
    return losses, {k: v.clone() for k, v in inner.state_dict().items()}


def worker(rank: int, folder: str) -> None:
    model = MMDistributedDataParallel(
        build(), device_ids=None, broadcast_buffers=False
    )
    model.eval()
    result = steps(model, [part(rank, k) for k in range(STEPS)])
    torch.save(result, f'{folder}/rank{rank}.pth')


def test_two_processes_train_as_one(tmp_path) -> None:
    in_two(worker, tmp_path)
    ranks = [torch.load(tmp_path / f'rank{k}.pth') for k in range(2)]
    losses, weights = steps(build(), [both(k) for k in range(STEPS)])
    for k, want in enumerate(losses):
        assert want['loss_unsup'] > 0
        for key, value in want.items():
            mean = (ranks[0][0][k][key] + ranks[1][0][k][key]) / 2
            torch.testing.assert_close(mean, value, rtol=1e-4, atol=1e-6)
    for key, value in weights.items():
        torch.testing.assert_close(
            ranks[0][1][key], value, rtol=1e-4, atol=1e-5, msg=key
        )
        assert torch.equal(ranks[0][1][key], ranks[1][1][key]), key
