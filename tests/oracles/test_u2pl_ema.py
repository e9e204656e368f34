"""The moving teacher of U2PL and AEL against their released code."""

from unittest.mock import MagicMock

import numpy as np
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmsemi.engine.hooks import MeanTeacherHook
from mmsemi.models.segmentors.frozen_copy import frozen_copy
from tests.oracles.kinds import files, numbered, some
from tests.oracles.test_u2pl_pixel_losses import schedules


def test_momentum(oracle_dir) -> None:
    for arrays, name in schedules(oracle_dir, 'ema_.*'):
        decay = arrays[name]
        length, start, cap, stride = arrays[f'{name}_args'].tolist()
        hook = MeanTeacherHook(
            1 - cap, 'inverse', start_iter=round(start * length)
        )
        iterations = (stride * np.arange(len(decay))).astype(int)
        ours = np.array([1 - hook.momentum_at(int(i)) for i in iterations])
        active = iterations >= start * length
        assert np.array_equal(active, ~np.isnan(decay)), name
        np.testing.assert_allclose(
            ours[active], decay[active], rtol=1e-12, atol=1e-15
        )
        assert (ours[~active] == 0).all()  # a plain copy until then


class Flat(nn.Module):
    """One vector as a whole network."""

    def __init__(self, values) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.from_numpy(values.copy()))


class FlatPair(nn.Module):
    def __init__(self, student, teacher) -> None:
        super().__init__()
        self.student = Flat(student)
        self.teacher = frozen_copy(Flat(teacher))
        self.semi_train_cfg = dict(teacher_mode='train')

    def sync_copy(self, name) -> None:
        self.teacher.load_state_dict(self.student.state_dict())


def test_teacher(oracle_dir) -> None:
    found = {}
    for path in files(oracle_dir, 'u2pl', 'teacher_ema'):
        found.update(numbered(path))
    for case in some(found.values(), 'case'):
        length, start = int(case['len_loader']), int(case['sup_only_epoch'])
        model = FlatPair(case['student'][0], case['teacher'][0])
        optimizer = torch.optim.SGD(
            model.student.parameters(),
            lr=float(case['lr'][0]),
            momentum=float(case['momentum'][0]),
        )
        runner = MagicMock(
            model=model, iter=0, optim_wrapper=OptimWrapper(optimizer)
        )
        hook = MeanTeacherHook(
            1 - float(case['ema_decay'][0]),
            'inverse',
            start_iter=start * length,
            copy_until=(start + 1) * length,
            buffers='own',
        )
        hook.before_train(runner)
        for i, grad in enumerate(case['grads']):
            runner.iter = i
            hook.before_train_iter(runner, i)
            # Before, the official teacher is a stranger nobody asks.
            if i >= start * length:
                np.testing.assert_allclose(
                    model.teacher.vector.numpy(),
                    case['teacher_at_pseudo'][i],
                    rtol=1e-5,
                    atol=1e-6,
                )
            model.student.vector.grad = torch.from_numpy(grad.copy())
            optimizer.step()
            hook.after_train_iter(runner, i)
            np.testing.assert_allclose(
                model.student.vector.detach().numpy(),
                case['student'][i + 1],
                rtol=1e-5,
                atol=1e-6,
            )
            if i >= start * length:
                np.testing.assert_allclose(
                    model.teacher.vector.numpy(),
                    case['teacher'][i + 1],
                    rtol=1e-5,
                    atol=1e-6,
                )
