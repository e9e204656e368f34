"""The outcome of a run: summary.json and the table of rounds."""

from collections.abc import Iterable
from math import isnan

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook

from mmsemi.engine.build import resolve_written
from mmsemi.evaluation.class_iou import ClassScores, latest_class_scores
from mmsemi.io.files import write_json
from mmsemi.registry import HOOKS
from mmsemi.report.clock import RunClock
from mmsemi.report.facts import (
    config_name,
    data_facts,
    machine_facts,
    peak_memory,
    version_facts,
)
from mmsemi.report.recipe import run_facts, run_lengths
from mmsemi.report.tables import SUMMARY, closing_words, gain, round_line
from mmsemi.report.validation import (
    network_values,
    usual_metric,
    validation_line,
    validation_record,
)
from mmsemi.utils.compat import before_peaks_are_forgotten
from mmsemi.utils.console import announce

from .collapse_hook import COLLAPSES

ROWS, CLOCK = 'mmsemi/rows', 'mmsemi/clock'
# Validations of the present round, and what the run was started with.
VALIDATIONS, STARTED = 'mmsemi/validations', 'mmsemi/started'
OTHER_METRICS = 'mmsemi/other_metrics'
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
    """Write ``work_dir/summary.json`` and say how the run does.

    The file is renewed after every round. A run without rounds gets one row
    at its end. Rows travel in checkpoints, so a resumed run has each round
    once, and its times are the sums over all starts (less what came after
    the last checkpoint of a start). mIoU is in percent, shares lie in [0, 1].
    Keys with ``miou`` hold the values of ``metric``.

    Args:
        metric: validation metric of the rows. By default mIoU, or, where
            the evaluator gives none, the first that it gives beside the
            accuracy of all pixels (aAcc).
    """

    # Before the checkpoint hook, which saves the rows, and after the hooks
    # whose files are named in the summary.
    priority = 'LOW'

    def __init__(self, metric: str | None = None) -> None:
        self.metric = metric
        self.clock: RunClock | None = None

    def before_train(self, runner) -> None:
        """Gather the facts, and go on where a resumed run stood."""
        self.facts = self._facts(runner) if is_main_process() else {}
        self.clock = clock = RunClock(runner.message_hub.get_info(CLOCK, {}))
        before_peaks_are_forgotten(
            runner.log_processor, lambda: clock.peak(peak_memory())
        )
        self.trained = False

    def before_round(self, runner) -> None:
        """Labeling is over: the training of a round begins."""
        self.clock.begin()

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Count images and seconds, loading and augmenting included."""
        self.clock.count(batch_size(data_batch) * get_world_size())
        self.trained = True
        self._keep(runner)

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Keep what was found, and say it where no table follows at once."""
        if self.clock is None:  # validation without training
            return
        self.clock.begin()
        metric = self.metric or usual_metric(metrics or {})
        values = network_values(metrics or {}, metric)
        if metrics and not values:
            numbers = {k: round(float(v), 4) for k, v in metrics.items()}
            runner.message_hub.update_info(OTHER_METRICS, numbers)
        if values:
            record = validation_record(
                runner.iter, values, validated_classes(runner.val_loop), metric
            )
            earlier = runner.message_hub.get_info(VALIDATIONS, [])
            runner.message_hub.update_info(
                VALIDATIONS,
                [r for r in earlier if r['iteration'] < runner.iter]
                + [record],
            )
            end = getattr(runner.train_loop, 'round_end', runner.max_iters)
            if runner.iter < end:
                announce(
                    runner.logger, validation_line(record, runner.max_iters)
                )
        self._keep(runner)

    def after_round(self, runner) -> None:
        """Add the row of the round, once."""
        loop = runner.train_loop
        row = self._row(  # a run that stops early cuts its round short
            runner, loop.round, loop.portion, loop.iter - loop.round_begin
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
                if not self.facts.get('method', {}).get('labeled_only'):
                    row['pseudo_labeled'] = self._images('unlabeled')
                self._add(runner, row)
        if is_main_process():
            summary = self._write(runner)
            announce(runner.logger, closing_words(summary, runner.work_dir))

    # Rows.
    def _row(self, runner, number, portion, iterations) -> dict:
        hub, labels = runner.message_hub, {}
        if number or not hasattr(runner.train_loop, 'round_end'):
            labels = hub.get_info('mmsemi/pseudo_labels', {})
        miou = labels.get('miou')
        found = hub.get_info(VALIDATIONS, [])
        hub.update_info(VALIDATIONS, [])
        last = found[-1] if found else {}
        values = [r['best_miou'] for r in hub.get_info(ROWS, [])]
        values += [record['miou'] for record in found]
        best = best_of(values)
        return dict(
            round=number,
            portion=portion,
            labeled=self._images('labeled'),
            pseudo_labeled=labels.get('images', 0),
            kept=labels.get('kept'),
            pseudo_label_accuracy=labels.get('accuracy'),
            pseudo_label_miou=None if miou is None else 100 * miou,
            iterations=iterations,
            metric=last.get('metric', self.metric or 'mIoU'),
            val_miou=last.get('miou'),
            best_miou=best,
            networks=last.get('networks', {}),
            class_iou=last.get('class_iou', {}),
            dead_classes=last.get('dead_classes', []),
            left_out=last.get('left_out', []),
            validations=[
                {k: v for k, v in record.items() if k != 'class_iou'}
                for record in found
            ],
            seconds_labeling=labels.get('seconds', 0.0),
            **self.clock.round_times(),
            per_class=labels.get('per_class', {}),
        )

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
    def _keep(self, runner) -> None:
        """Put the clock where checkpoints take it along."""
        runner.message_hub.update_info(CLOCK, self.clock.state())

    def _facts(self, runner) -> dict:
        # Of the first start: --resume changes the config in small things.
        started = runner.message_hub.get_info(STARTED, None)
        if started is None:
            started = run_facts(runner.cfg, resolve_written)
            runner.message_hub.update_info(STARTED, started)
        return dict(
            config=config_name(runner.cfg),
            **started,
            seed=runner.seed,
            lengths=run_lengths(runner.train_loop, get_world_size()),
            data=data_facts(runner.cfg),
            versions=version_facts(),
            machine=dict(machine_facts(), processes=get_world_size()),
        )

    def _write(self, runner) -> dict:
        if not is_main_process():
            return {}
        rows = runner.message_hub.get_info(ROWS, [])
        memory = self.clock.peak(peak_memory())
        self._keep(runner)
        seconds = sum(row['seconds_training'] for row in rows)
        images = sum(
            row['seconds_training'] * (row['images_per_second'] or 0)
            for row in rows
        )
        stopped = bool(getattr(runner.train_loop, 'stop_training', False))
        over = runner.iter >= runner.max_iters
        summary = dict(
            self.facts,
            iterations=runner.iter,
            finished=over or stopped,
            stopped_early=stopped and not over,
            metric=rows[-1]['metric'] if rows else None,
            last_miou=rows[-1]['val_miou'] if rows else None,
            best_miou=rows[-1]['best_miou'] if rows else None,
            gain_over_round_0=gain(rows) if rows else None,
            wall_seconds=self.clock.wall(),
            images_per_second=images / seconds if seconds else None,
            peak_memory_mib=memory,
            files=runner.message_hub.get_info('mmsemi/files', {}),
            other_metrics=runner.message_hub.get_info(OTHER_METRICS, {}),
            collapses=runner.message_hub.get_info(COLLAPSES, []),
            rounds=rows,
        )
        write_json(runner.work_dir, SUMMARY, summary)
        return summary


def validated_classes(val_loop) -> ClassScores | None:
    """Scores of the classes in the latest validation, if its metric has."""
    found = getattr(val_loop, 'class_scores', None)
    return found or latest_class_scores(val_loop.evaluator)


def best_of(values: Iterable[float | None]) -> float | None:
    """The largest of those that are known; NaN is not."""
    known = (v for v in values if v is not None and not isnan(v))
    return max(known, default=None)


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
