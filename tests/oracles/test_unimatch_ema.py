"""The moving teacher of UniMatch V2 against its released code."""

import numpy as np
import torch
from torch import nn

from mmsemi.engine.hooks import MeanTeacherHook
from mmsemi.engine.hooks.mean_teacher_hook import move_teacher
from mmsemi.models.segmentors.frozen_copy import frozen_copy
from tests.oracles.kinds import files, load


class Network(nn.Module):
    """One weight, one averaged and one counting buffer."""

    def __init__(self, weight, mean, batches) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(weight.copy()))
        self.register_buffer('mean', torch.from_numpy(mean.copy()))
        self.register_buffer('batches', torch.tensor(int(batches)))


def test_v2_ema(oracle_dir) -> None:
    for path in files(oracle_dir, 'unimatch', 'v2_ema'):
        z = load(path)
        # The cap is what holds the ratio below 1 - 1 / (i + 1).
        ratio = z['ema_ratio_f64']
        held = ratio[ratio < 1 - 1 / (z['iters'] + 1) - 1e-9]
        cap = held.max() if len(held) else 0.996
        hook = MeanTeacherHook(1 - cap, 'inverse', buffers='ema')
        teacher = frozen_copy(
            Network(
                z['teacher_w'][0],
                z['teacher_running_mean'][0],
                z['teacher_num_batches_official'][0],
            )
        )
        for k, iteration in enumerate(z['iters']):
            student = Network(
                z['student_w'][k],
                z['student_running_mean'][k],
                z['student_num_batches'][k],
            )
            momentum = hook.momentum_at(int(iteration))
            np.testing.assert_allclose(
                1 - momentum, z['ema_ratio_f64'][k], rtol=1e-12, atol=1e-15
            )
            move_teacher(teacher, student, momentum, hook.buffers)
            np.testing.assert_allclose(
                teacher.weight.detach().numpy(),
                z['teacher_w'][k + 1],
                rtol=1e-6,
                atol=1e-7,
            )
            np.testing.assert_allclose(
                teacher.mean.numpy(),
                z['teacher_running_mean'][k + 1],
                rtol=1e-6,
                atol=1e-7,
            )
            # The released code truncates an average of integers.
            assert teacher.batches == student.batches
