"""Certify that no mask of an unlabeled image was opened."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from mmsemi.datasets.compact import build_dataset
from mmsemi.datasets.mask_watch import MaskWatch, key
from mmsemi.datasets.splits import config_datasets
from mmsemi.io.files import read_json, write_json
from mmsemi.registry import HOOKS
from mmsemi.report.comparison import CERTIFICATE

from .run_summary_hook import publish_file


@HOOKS.register_module()
class MaskWatchHook(Hook):
    """Note which masks a training opens, in ``work_dir/opened_masks.json``.

    For labeled, validation and unlabeled images the file says how many masks
    the lists name and how many were opened, and names the first masks of
    unlabeled images that were. A mask that a labeled or a validation image
    has as well is theirs. A resumed run goes on with its file.

    Reports that compare pseudo-labels with masks open these: switch them off
    (``audit=False``) where the certificate is wanted, and audit in a process
    of its own.
    """

    # Before any hook that may open a mask.
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.earlier: dict = {}
        self.told = False

    def before_train(self, runner) -> None:
        """Begin to watch, before processes that load data are started."""
        path = Path(runner.work_dir) / CERTIFICATE
        if runner.iter:
            self.earlier = read_json(path)
        self.watch = self.stack.enter_context(
            MaskWatch(mask_files(runner.cfg))
        )
        loaders = (
            runner.cfg.get(name) or {}
            for name in ('train_dataloader', 'semi_dataloader')
        )
        # Another start method leaves the watch behind.
        self.whole = multiprocessing.get_start_method() == 'fork' or not any(
            loader.get('num_workers') for loader in loaders
        )

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Say at once what should not be."""
        if not self.told and self.watch.opened('unlabeled'):
            self.told = True
            self._write(runner)
            runner.logger.warning(
                'the training opened a mask of an unlabeled image: '
                f'{self.watch.names("unlabeled", 1)[0]}'
            )

    def after_train(self, runner) -> None:
        """Write the certificate."""
        self._write(runner)
        self.stack.close()

    def _write(self, runner) -> None:
        if not is_main_process():
            return
        found = certificate(self.watch, self.whole)
        write_json(runner.work_dir, CERTIFICATE, joined(self.earlier, found))
        publish_file(runner, 'masks', CERTIFICATE)


def mask_files(cfg) -> dict[str, Callable[[], Iterator[str]]]:
    """Masks of each role that the datasets of a config name."""
    datasets: dict[str, list] = dict(labeled=[], val=[], unlabeled=[])
    known = []
    for role, config in config_datasets(cfg):
        if config not in known:
            known.append(config)
            datasets[role].append(build_dataset(dict(config, pipeline=[])))

    def of(role: str) -> Iterator[str]:
        for dataset in datasets[role]:
            for index in range(len(dataset)):
                path = dataset.get_data_info(index).get('seg_map_path')
                if path:
                    yield path

    theirs = {key(path) for role in ('labeled', 'val') for path in of(role)}
    return dict(
        labeled=lambda: of('labeled'),
        val=lambda: of('val'),
        unlabeled=lambda: (
            path for path in of('unlabeled') if key(path) not in theirs
        ),
    )


def certificate(watch: MaskWatch, whole: bool) -> dict:
    """What was seen, as plain data.

    Args:
        watch: has watched.
        whole: whether processes that load data were watched as well.
    """
    return dict(
        masks={
            role: dict(listed=len(hashes), opened=watch.opened(role))
            for role, hashes in watch.hashes.items()
        },
        unlabeled_opened=watch.names('unlabeled'),
        whole=whole,
    )


def joined(earlier: dict, found: dict) -> dict:
    """The certificate of a run that was resumed; counts are at least these."""
    if not found.keys() <= earlier.keys():  # none, or damaged
        return found
    names = {*earlier['unlabeled_opened'], *found['unlabeled_opened']}
    masks = {
        role: dict(
            listed=seen['listed'],
            opened=max(seen['opened'], earlier['masks'][role]['opened']),
        )
        for role, seen in found['masks'].items()
    }
    return dict(
        masks=masks,
        unlabeled_opened=sorted(names),
        whole=found['whole'] and earlier['whole'],
    )
