"""The outcome of a run: summary.json and the table of rounds."""

import time
from pathlib import Path

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook

from mmsemi.registry import HOOKS
from mmsemi.report.facts import (
    config_name,
    data_facts,
    machine_facts,
    peak_memory,
    version_facts,
)
from mmsemi.report.tables import (
    SUMMARY,
    gain,
    outcome,
    round_line,
    round_table,
    write_json,
)
from mmsemi.utils.console import announce

ROWS, CLOCK = 'mmsemi/rows', 'mmsemi/clock'
# Curves for TensorBoard and the like, besides those of mmengine.
CURVES = (
    'val_miou',
    'portion',
    'kept',
    'pseudo_label_accuracy',
    'pseudo_label_miou',
)


@HOOKS.register_module()
class RunSummaryHook(Hook):
    """Write ``work_dir/summary.json`` and print the table of rounds.

    The file is renewed after every round. A run without rounds gets one row
    at its end. Rows travel in checkpoints, so a resumed run has each round
    once, and its times are the sums over all starts (less what came after
    the last checkpoint of a start). mIoU is in percent, shares lie in [0, 1].

    Args:
        metric: validation metric of the rows.
    """

    # Before the checkpoint hook, which saves the rows, and after the hooks
    # whose files are named in the summary.
    priority = 'LOW'

    def __init__(self, metric: str = 'mIoU') -> None:
        self.metric = metric
        self.clock: dict | None = None

    def before_train(self, runner) -> None:
        """Gather the facts, and go on where a resumed run stood."""
        self.facts = self._facts(runner) if is_main_process() else {}
        # `wall` of the run and of its finished rounds; the rest belongs to
        # the present round.
        self.clock = dict(
            wall=0.0,
            rounds=0.0,
            training=0.0,
            images=0,
            last=None,
            best=None,
            memory={},
        )
        self.clock.update(runner.message_hub.get_info(CLOCK, {}))
        self.earlier = self.clock['wall']
        self.trained = False
        self.start = self.mark = time.perf_counter()

    def before_round(self, runner) -> None:
        """Labeling is over: the training of a round begins."""
        self.mark = time.perf_counter()

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Count images and seconds, loading and augmenting included."""
        now = time.perf_counter()
        self.clock['training'] += now - self.mark
        self.clock['images'] += batch_size(data_batch) * get_world_size()
        self.mark = now
        self.trained = True
        self._keep(runner)

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Remember the latest and the best value."""
        if self.clock is None:  # validation without training
            return
        self.mark = time.perf_counter()
        found = {
            key.rpartition('/')[0]: round(float(value), 4)
            for key, value in (metrics or {}).items()
            if key.split('/')[-1] == self.metric
        }
        if found:
            best, last = self.clock['best'], next(iter(found.values()))
            self.clock['last'] = last
            self.clock['best'] = last if best is None else max(best, last)
            # Teacher and student, where both are validated.
            self.clock['networks'] = found if len(found) > 1 else {}
        self._keep(runner)

    def after_round(self, runner) -> None:
        """Add the row of the round, once."""
        loop = runner.train_loop
        row = self._row(
            runner, loop.round, loop.portion, loop.round_end - loop.round_begin
        )
        rows = self._add(runner, row)
        self._write(runner)
        if is_main_process():
            runner.visualizer.add_scalars(
                {
                    f'round/{key}': row[key]
                    for key in CURVES
                    if row[key] is not None
                },
                step=runner.iter,
            )
        announce(runner.logger, round_line(row, rows))

    def after_train(self, runner) -> None:
        """Print everything."""
        rows = runner.message_hub.get_info(ROWS, [])
        if not hasattr(runner.train_loop, 'round_end'):
            if self.trained or not rows:
                row = self._row(runner, 0, None, runner.iter)
                # Online methods label what they see as they go.
                drawn = getattr(
                    runner.train_loop.dataloader.sampler,
                    'samples_per_source',
                    [1],
                )
                row['pseudo_labeled'] = (
                    self._images('unlabeled') if drawn[-1] else 0
                )
                self._add(runner, row)
        if not is_main_process():
            return
        summary = self._write(runner)
        lines = [outcome(summary)]
        if summary['rounds']:
            lines.insert(0, round_table(summary['rounds']))
        lines.append(f'  summary    {Path(runner.work_dir) / SUMMARY}')
        for name, path in summary['files'].items():
            lines.append(f'  {name:10s} {Path(runner.work_dir) / path}')
        announce(runner.logger, '\n'.join(lines))

    # Rows.
    def _row(self, runner, number, portion, iterations) -> dict:
        labels, online = {}, not hasattr(runner.train_loop, 'round_end')
        if number or online:
            labels = runner.message_hub.get_info('mmsemi/pseudo_labels', {})
        wall, clock = self._wall(), self.clock
        miou = labels.get('miou')
        row = dict(
            round=number,
            portion=portion,
            labeled=self._images('labeled'),
            pseudo_labeled=labels.get('images', 0),
            kept=labels.get('kept'),
            pseudo_label_accuracy=labels.get('accuracy'),
            pseudo_label_miou=None if miou is None else 100 * miou,
            iterations=iterations,
            val_miou=clock['last'],
            best_miou=clock['best'],
            networks=clock.get('networks', {}),
            seconds_labeling=labels.get('seconds', 0.0),
            seconds_training=clock['training'],
            seconds=wall - clock['rounds'],
            images_per_second=clock['images'] / clock['training']
            if clock['training']
            else None,
            per_class=labels.get('per_class', {}),
        )
        clock.update(
            rounds=wall, training=0.0, images=0, last=None, networks={}
        )
        return row

    def _add(self, runner, row: dict) -> list:
        rows = [
            r
            for r in runner.message_hub.get_info(ROWS, [])
            if r['round'] < row['round']
        ] + [row]
        runner.message_hub.update_info(ROWS, rows)
        self._keep(runner)
        return rows

    def _images(self, role: str) -> int:
        return sum(
            part['images'] for part in self.facts.get('data', {}).get(role, [])
        )

    # Clock and file.
    def _wall(self) -> float:
        return self.earlier + time.perf_counter() - self.start

    def _keep(self, runner) -> None:
        """Put the clock where checkpoints take it along."""
        self.clock['wall'] = self._wall()
        runner.message_hub.update_info(CLOCK, dict(self.clock))

    def _facts(self, runner) -> dict:
        return dict(
            config=config_name(runner.cfg),
            seed=runner.seed,
            data=data_facts(runner.cfg),
            versions=version_facts(),
            machine=dict(machine_facts(), processes=get_world_size()),
        )

    def _write(self, runner) -> dict:
        if not is_main_process():
            return {}
        rows = runner.message_hub.get_info(ROWS, [])
        memory = self.clock['memory']
        for key, value in peak_memory().items():
            memory[key] = max(value, memory.get(key, 0.0))
        self._keep(runner)
        seconds = sum(row['seconds_training'] for row in rows)
        images = sum(
            row['seconds_training'] * (row['images_per_second'] or 0)
            for row in rows
        )
        summary = dict(
            self.facts,
            iterations=runner.iter,
            finished=runner.iter >= runner.max_iters
            or bool(getattr(runner.train_loop, 'stop_training', False)),
            stopped_early=runner.iter < runner.max_iters
            and bool(getattr(runner.train_loop, 'stop_training', False)),
            last_miou=rows[-1]['val_miou'] if rows else None,
            best_miou=self.clock['best'],
            gain_over_round_0=gain(rows) if rows else None,
            wall_seconds=self._wall(),
            images_per_second=images / seconds if seconds else None,
            peak_memory_mib=memory,
            files=runner.message_hub.get_info('mmsemi/files', {}),
            rounds=rows,
        )
        write_json(Path(runner.work_dir) / SUMMARY, summary)
        return summary


def batch_size(data_batch) -> int:
    """Items in a collated batch, whatever the number of its branches."""
    samples = (data_batch or {}).get('data_samples', [])
    if isinstance(samples, dict):
        samples = next(iter(samples.values()), [])
    return len(samples)


def publish_file(runner, name: str, path: str) -> None:
    """Let the summary name a file, given relative to the work dir."""
    files = dict(runner.message_hub.get_info('mmsemi/files', {}))
    runner.message_hub.update_info('mmsemi/files', {**files, name: path})
