"""What a step found, noted without waiting for a GPU more than once."""

import torch
from mmengine import hooks

from mmsemi.registry import HOOKS


@HOOKS.register_module()
class RuntimeInfoHook(hooks.RuntimeInfoHook):
    """mmengine's hook of this name, which fetches each figure by itself.

    Losses and shares of a step, a dozen numbers, come from a GPU together. In
    the scope of mmsemi the name means this class.
    """

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Note the figures of a step."""
        there = {
            name: value.detach().reshape(())
            for name, value in (outputs or {}).items()
            if torch.is_tensor(value) and value.is_cuda and value.numel() == 1
        }
        if there:
            values = torch.stack([value.double() for value in there.values()])
            outputs = dict(
                outputs, **dict(zip(there, values.tolist(), strict=True))
            )
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
