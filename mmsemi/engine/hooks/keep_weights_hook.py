"""Keep the weights a run passes through, not only those it ends with."""

from pathlib import Path

from mmengine.hooks import Hook
from torch import Tensor

from mmsemi.io.files import write_torch
from mmsemi.io.space import amount, check_space
from mmsemi.models.weights import read_weights
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS
from mmsemi.utils.dist import on_main

from ..training_state import not_finite, progress_of, state_bytes
from .run_summary_hook import publish_file

MOMENTS = ('round', 'validation')
# Where it travels in checkpoints that the weights of `at` are waited for.
AWAITED = 'mmsemi/awaited_weights'


@HOOKS.register_module()
class KeepWeightsHook(Hook):
    """Write the predicting network of every round or validation.

    In self-training the second or third round is often better than the last,
    and a source model better after half of its epochs; whoever finds that in
    ``summary.json`` wants the weights, too. Files hold the network alone, as
    a plain segmentor, without teacher and optimizer: any command takes them
    with the config of the run. None is ever removed.

    Args:
        every: ``'round'`` writes ``round_<k>.pth`` after each round of
            training (nothing in a run without rounds); ``'validation'``
            writes ``validated_<iteration>.pth`` after each validation.
        at: iteration after which ``iteration_<at>.pth`` is written, too, for
            another training to begin with. Weights that are not finite then
            are waited for: with ``CollapseHook`` a training may recover.
    """

    # Before the summary, which names the files, and before the checkpoint:
    # a run that died in between comes here again.
    priority = 'BELOW_NORMAL'

    def __init__(self, every: str = 'round', at: int | None = None) -> None:
        if every not in MOMENTS:
            raise ValueError(
                f'every must be one of {", ".join(MOMENTS)}, got {every!r}'
            )
        if at is not None and at < 1:
            raise ValueError(f'at must be at least 1, got {at}')
        self.every, self.at = every, at

    def before_train(self, runner) -> None:
        """Stop now, not after hours, if the disk cannot hold the files."""
        loop = runner.train_loop
        if self.every == 'round':
            number = len(getattr(loop, 'round_ends', ()))
        else:
            interval = getattr(loop, 'val_interval', 0)
            number = -(-progress_of(loop)[1] // interval) if interval else 0
        number += self.at is not None
        size = state_bytes(self._network(runner))
        on_main(
            check_space,
            runner.work_dir,
            number * size - self._present(runner),
            f'{number} file{"s" * (number != 1)} of weights of {amount(size)}',
        )

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Write the network of the iteration that was asked for."""
        hub = runner.message_hub
        if runner.iter + 1 == self.at or hub.get_info(AWAITED, False):
            name = f'iteration_{self.at}.pth'
            meta = dict(iter=runner.iter + 1)
            written = on_main(self._write, runner, name, meta)
            hub.update_info(AWAITED, not written)

    def after_round(self, runner) -> None:
        """Write the network that a round of training has made."""
        loop = runner.train_loop
        if self.every == 'round' and loop.iter > loop.round_begin:
            name = f'round_{loop.round}.pth'
            on_main(self._write, runner, name, dict(round=loop.round))
            publish_file(runner, f'round {loop.round}', name)

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Write the network that was validated in a training."""
        if self.every == 'validation' and not isinstance(
            runner.train_loop, dict
        ):
            figures = {k: float(v) for k, v in (metrics or {}).items()}
            name = f'validated_{runner.iter}.pth'
            on_main(self._write, runner, name, dict(metrics=figures))

    def _present(self, runner) -> int:
        """Bytes of files that an earlier start has written."""
        kind = 'round' if self.every == 'round' else 'validated'
        folder = Path(runner.work_dir)
        found = [*folder.glob(f'{kind}_*.pth'), *folder.glob('iteration_*')]
        return sum(path.stat().st_size for path in found)

    @staticmethod
    def _network(runner) -> dict[str, Tensor]:
        model = unwrapped(runner.model)
        test_cfg = getattr(model, 'semi_test_cfg', {})
        return read_weights(model, test_cfg.get('predict_on', 'student'))[0]

    def _write(self, runner, name: str, meta: dict) -> bool:
        """Write a file; called on the first process.

        Returns:
            Whether the weights were finite: if not, the checkpoint hook says
            so, and stops the run.
        """
        state = self._network(runner)
        if not_finite(state) is not None:
            return False
        # Clones: a view would drag its whole storage into the file.
        state = {key: value.cpu().clone() for key, value in state.items()}
        about = runner.train_loop.dataloader.dataset.metainfo
        meta = dict(dict(iter=runner.iter, dataset_meta=about), **meta)
        write_torch(runner.work_dir, name, dict(meta=meta, state_dict=state))
        return True
