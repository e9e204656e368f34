"""Measure a checkpoint on the test images of a config."""

from inspect import signature
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmseg.datasets import CityscapesDataset

from mmsemi.datasets.compact import build_dataset
from mmsemi.datasets.stems import stems_of
from mmsemi.datasets.synthia import SYNTHIA_CLASSES as SYNTHIA
from mmsemi.datasets.transforms.labels import train_to_label_ids
from mmsemi.doctor import check_test
from mmsemi.engine.runner import build_runner
from mmsemi.io.files import write_png
from mmsemi.io.package_configs import find_config
from mmsemi.registry import METRICS, bare_name, class_of
from mmsemi.utils.console import restore_console
from mmsemi.utils.dist import on_main
from mmsemi.utils.errors import UsageError

from .config import load_config, set_work_dir
from .launcher import is_first_process, setup_launcher


def test(
    config: str,
    checkpoint: str,
    work_dir: str | None = None,
    out: str | None = None,
    show_dir: str | None = None,
    tta: bool = False,
    flip: bool = False,
    label_ids: bool = False,
    predict_on: str | None = None,
    options: dict[str, Any] | None = None,
    launcher: str = 'none',
) -> dict[str, float]:
    """Test a checkpoint.

    Args:
        config: file, or name of a config that mmsemi brings.
        checkpoint: of a run, or a plain one of MMSegmentation.
        work_dir: folder for logs and figures; by default
            ``work_dirs/<method>/<name of the config>/test``.
        out: folder for predictions as PNG files of class ids.
        show_dir: folder for images with predictions drawn over them.
        tta: average over the views of the config's ``tta_pipeline``: several
            scales, and their mirror images.
        flip: average over the image at its one scale and its mirror image.
        label_ids: write Cityscapes label ids, as its server wants them,
            instead of class ids to ``out``.
        predict_on: sub-model to test; by default the one the config predicts
            with.
        options: settings to change in the config, by their dotted keys.
        launcher: how several processes were started: ``none``, ``pytorch``,
            ``slurm`` or ``mpi``.

    Returns:
        The figures by name, such as ``mIoU`` in percent.

    Raises:
        UsageError: if something is wrong with what was given.
    """
    if tta and flip:
        raise UsageError(
            '--tta and --flip are two ways to average: --tta has mirror '
            'images too. Give one of them'
        )
    if label_ids and not out:
        raise UsageError('--label-ids changes what --out writes: give both')
    config = find_config(config)
    for folder in filter(None, (out, show_dir)):
        refuse_full(folder)
    cfg = load_config(config, options)
    set_work_dir(cfg, config, work_dir, suffix='test')
    cfg.load_from, cfg.resume = checkpoint, False
    if is_first_process():
        for line in check_test(cfg):
            print(line, flush=True)
    if predict_on:
        choose_network(cfg, predict_on)
    if show_dir:
        save_drawings(cfg, show_dir)
    if out:
        with DefaultScope.overwrite_default_scope('mmsemi'):
            refuse_shared_names(cfg.test_dataloader.dataset, out)
        save_predictions(cfg, out)
        Path(out).mkdir(parents=True, exist_ok=True)
    setup_launcher(cfg, launcher)
    if tta or flip:
        use_tta(cfg, '--flip' if flip else '--tta')
    runner = build_runner(cfg)
    # A quiet start, but the figures belong on the console.
    restore_console(runner.logger)
    table = label_id_table(runner) if label_ids else None
    figures = runner.test()
    if table is not None and out:
        on_main(write_label_ids, out, table)
    return figures


def label_id_table(runner: Runner) -> np.ndarray:
    """Label id of every class id of the test data.

    Raises:
        UsageError: if its classes are not those of Cityscapes or SYNTHIA.
    """
    classes = runner.test_dataloader.dataset.metainfo['classes']
    if tuple(classes) not in (CityscapesDataset.METAINFO['classes'], SYNTHIA):
        raise UsageError(
            '--label-ids: only the 19 classes of Cityscapes and the 16 of '
            f'SYNTHIA have label ids; the data has {len(classes)}: '
            f'{", ".join(classes[:3])}, ...'
        )
    return train_to_label_ids(len(classes))


def write_label_ids(folder: str, table: np.ndarray) -> None:
    """Replace class ids by label ids in the PNG files of a folder."""
    for path in sorted(Path(folder).rglob('*.png')):
        ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        write_png(folder, path.relative_to(folder).as_posix(), table[ids])


def refuse_full(folder: str) -> None:
    """Predictions are named as images are, and so may be files there.

    Raises:
        UsageError: if the folder is none, or holds files.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise UsageError(f'{folder} is a file. Name a folder for predictions')
    if is_first_process() and path.is_dir() and any(path.iterdir()):
        raise UsageError(
            f'{folder} holds files, which predictions could overwrite. Name '
            'an empty or a new folder'
        )


def refuse_shared_names(config: dict, out: str) -> None:
    """mmseg names a prediction as its image file, whatever its folder.

    Args:
        config: of the data set to test on.
        out: folder for the predictions.

    Raises:
        UsageError: naming two images of one name.
    """
    seen: dict[str, str] = {}
    for stem in stems_of(build_dataset(config)):
        name = stem.rpartition('/')[2]
        if name in seen:
            raise UsageError(
                f'--out {out}: the predictions of {seen[name]} and {stem} '
                f'would both be {name}.png there, and one would be lost. Use '
                'mmsemi infer, which keeps folders, or test on the folders '
                'apart'
            )
        seen[name] = stem


def choose_network(cfg: Config, network: str) -> None:
    """Choose the sub-model a semi-supervised segmentor predicts with."""
    if 'student' not in cfg.model:
        raise UsageError(
            f'--predict-on {network}: the model of this config '
            f'is a plain {cfg.model.type}'
        )
    cfg.model.setdefault('semi_test_cfg', {})
    cfg.model.semi_test_cfg.predict_on = network


def save_predictions(cfg: Config, folder: str) -> None:
    """Let the first metric that can write the predictions do it.

    Raises:
        UsageError: if none can.
    """
    metrics = cfg.test_evaluator
    several = isinstance(metrics, (list, tuple))
    for part in metrics if several else [metrics]:
        kind: Any = class_of(part.get('type'), METRICS)
        known = [
            parameter
            for base in getattr(kind, '__mro__', ())
            if '__init__' in vars(base) and base is not object
            for parameter in signature(vars(base)['__init__']).parameters
        ]
        if 'output_dir' in known:
            part.output_dir = folder
            # Those of Cityscapes remove what they wrote; others know no such
            # setting, and mmseg's pass over it.
            if 'keep_results' in known:
                part.keep_results = True
            return
    raise UsageError(
        f'--out {folder}: no metric of test_evaluator writes predictions. Put '
        "dict(type='IoUMetric') among them, or use mmsemi infer"
    )


def save_drawings(cfg: Config, folder: str) -> None:
    """Let mmseg's hook draw every prediction into ``folder``."""
    hooks = cfg.get('default_hooks') or {}
    hooks['visualization'] = dict(
        hooks.get('visualization') or dict(type='SegVisualizationHook'),
        draw=True,
        interval=1,
    )
    cfg.default_hooks = hooks
    cfg.visualizer = dict(
        cfg.get('visualizer')
        or dict(type='LazyVisualizer', name='visualizer'),
        save_dir=folder,
        vis_backends=[dict(type='mmsemi.PictureFiles')],
    )


def use_tta(cfg: Config, option: str = '--tta') -> None:
    """Average over the views of ``tta_pipeline``, or the mirrored one alone.

    Args:
        cfg: config, changed in place.
        option: ``--tta`` or ``--flip``.

    Raises:
        UsageError: if the config has none, or the model no logits.
    """
    if 'tta_pipeline' not in cfg or 'tta_model' not in cfg:
        raise UsageError(
            f'{option}: the config has no tta_pipeline and tta_model'
        )
    refuse_calibrated(cfg, option)
    if option == '--flip':
        leave_out_scales(cfg.tta_pipeline)
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    cfg.tta_model.module = cfg.model
    cfg.model = cfg.tta_model


def leave_out_scales(pipeline: list[dict]) -> None:
    """Leave the mirror image as the only other view of a TTA pipeline.

    Args:
        pipeline: changed in place.

    Raises:
        UsageError: if it has no mirror image.
    """
    for step in pipeline:
        if bare_name(step['type']) != 'TestTimeAug':
            continue
        kept = [
            choices
            for choices in step['transforms']
            if 'scale_factor' not in choices[0]
        ]
        if any('RandomFlip' in bare_name(c[0]['type']) for c in kept):
            step['transforms'] = kept
            return
    raise UsageError(
        '--flip: the tta_pipeline of the config has no mirror image. Add '
        'RandomFlip with prob 0 and 1 to its TestTimeAug, as mmseg has it'
    )


def refuse_calibrated(cfg: Config, option: str = '--tta') -> None:
    """Averages of several views need logits.

    Raises:
        UsageError: when the model returns calibrated scores.
    """
    head = cfg.model.get('student', cfg.model).get('decode_head')
    gamma = head.get('gamma') if isinstance(head, dict) else None
    if gamma:
        raise UsageError(
            f'{option} averages the softmax of logits, but with gamma='
            f'{gamma} the decode head returns calibrated scores. Test without '
            'it, or with --cfg-options model.student.decode_head.gamma=0'
        )
