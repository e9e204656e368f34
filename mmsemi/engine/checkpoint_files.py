"""The checkpoints of one run in its work dir."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmsemi.io.files import PARTIAL, cannot_write, inside, publish
from mmsemi.io.space import amount, check_space
from mmsemi.utils.errors import WriteError


class CheckpointFiles:
    """Regular checkpoints and best ones in a folder; others do not count.

    Args:
        folder: work dir of the run.
        template: name of a regular checkpoint, ``'iter_{}.pth'``.
    """

    def __init__(self, folder: str | Path, template: str) -> None:
        self.folder = Path(folder)
        self.template = template

    def path(self, name: str) -> str:
        """Path of a file in the folder."""
        return str(self.folder / name)

    def is_ours(self, name: str) -> bool:
        """Whether a file name is that of a checkpoint of the run."""
        regular = re.escape(self.template).replace(r'\{\}', r'\d+')
        return bool(
            re.fullmatch(regular, name)
            or re.fullmatch(r'best_[^/\\]*\.pth', name)
        )

    def keep(self, number: int, last: str) -> None:
        """Remove all but the latest regular checkpoints.

        Args:
            number: how many to keep.
            last: the one written last. After a resume from an earlier
                checkpoint, later files may lie there; it is the latest
                all the same.
        """
        before, after = self.template.split('{}')
        found = {}
        for path in self.folder.glob(f'{before}*{after}'):
            counted = path.name[len(before) : len(path.name) - len(after)]
            if counted.isdigit():
                found[int(counted)] = path
        latest = Path(last)
        order = [found[k] for k in sorted(found) if found[k] != latest]
        for path in [*order, latest][:-number]:
            path.unlink(missing_ok=True)

    def remove(self, names: Iterable[str]) -> None:
        """Remove checkpoints of the run; other files are never removed."""
        for name in filter(self.is_ours, names):
            (self.folder / name).unlink(missing_ok=True)

    def check_space(self, one: int, number: int, best: bool) -> None:
        """Refuse to begin what the disk cannot hold.

        Args:
            one: bytes of a regular checkpoint.
            number: how many are kept.
            best: whether the best is kept as well.

        Raises:
            UsageError: naming folder, free space and need.
        """
        present = sum(
            path.stat().st_size
            for path in self.folder.glob('*.pth')
            if self.is_ours(path.name)
        )
        # One is written beside those to keep, the best beside the best.
        check_space(
            self.folder,
            one * (number + 1 + 2 * best) - present,
            f'{number} checkpoint{"s" * (number != 1)} of {amount(one)}',
        )

    def remove_partial(self) -> None:
        """Remove what a killed run left half-written."""
        for path in self.folder.glob(f'*.pth{PARTIAL}'):
            if self.is_ours(path.name.removesuffix(PARTIAL)):
                path.unlink(missing_ok=True)

    def write(
        self,
        runner,
        name: str,
        meta: dict,
        save_optimizer: bool = False,
        save_param_scheduler: bool = False,
    ) -> None:
        """Save the state of a runner; the file is whole or absent.

        Args:
            runner: mmengine's Runner.
            name: file name.
            meta: iteration and epoch, for the meta data.
            save_optimizer: with the state of the optimizer.
            save_param_scheduler: with that of the schedules.

        Raises:
            WriteError: if it cannot be written, with the reason.
        """
        path = inside(self.folder, name)
        partial = path.with_name(path.name + PARTIAL)
        try:
            partial.unlink(missing_ok=True)  # a link could lead anywhere
            runner.save_checkpoint(
                str(self.folder),
                partial.name,
                save_optimizer=save_optimizer,
                save_param_scheduler=save_param_scheduler,
                meta=meta,
                by_epoch=False,
            )
            publish(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise WriteError(cannot_write(path, error)) from error


def best_keys(metrics: Sequence[str]) -> dict[str, str]:
    """Where the message hub keeps the best checkpoint of each metric."""
    if len(metrics) == 1:
        return {metrics[0]: 'best_ckpt'}
    return {name: f'best_ckpt_{name}' for name in metrics}
