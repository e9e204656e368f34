"""Learning rates of mmengine's PolyLR without running to them."""

import numpy as np
import torch
from mmengine.optim import OptimWrapper

from mmsemi.registry import PARAM_SCHEDULERS


def poly_rates(base, total: int, power: float, steps) -> np.ndarray:
    """Rates (len(steps), groups), the schedule as the loops build it.

    A step of PolyLR multiplies the rate before. So each rate asked for is
    that of the formula one step earlier, taken on by the schedule: that all
    of these agree with the formula is the proof by induction for the rest.

    Args:
        base: rates of the groups.
        total: iterations of the run.
        steps: iterations whose rates are wanted, in any order.
    """
    base = np.asarray(base, np.float64)
    groups = [
        dict(params=[torch.nn.Parameter(torch.zeros(1))], lr=float(rate))
        for rate in base
    ]
    optimizer = OptimWrapper(torch.optim.SGD(groups, lr=0.1))
    schedule = PARAM_SCHEDULERS.build(
        dict(
            type='PolyLR',
            power=power,
            eta_min=0.0,
            by_epoch=False,
            end=total + 1,
            optimizer=optimizer,
        )
    )
    groups, rates = optimizer.optimizer.param_groups, []
    for step in steps:
        if step:
            before = base * (1 - (step - 1) / total) ** power
            for group, rate in zip(groups, before):
                group['lr'] = rate
            schedule.last_step = int(step) - 1
            optimizer.optimizer.step()
            schedule.step()
        else:
            for group, rate in zip(groups, base):
                group['lr'] = rate
        rates.append([group['lr'] for group in groups])
    return np.array(rates)
