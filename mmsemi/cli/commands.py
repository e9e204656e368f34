"""The commands, and the functions of ``mmsemi.apis`` they call."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

from .arguments import (
    calibrate,
    calibrate_masks,
    convert,
    export,
    infer,
    mutual,
    test,
    train,
)
from .comparison_arguments import compare, curves, summarize
from .own_data_arguments import doctor, fit, label_next, predict, report


class Command(NamedTuple):
    """A command.

    Attributes:
        summary: what it does, in a line.
        target: ``module:function``. The function takes the options by their
            names; what it returns is not needed.
        add: adds the options to a parser.
        prints: whether to print what the function returns.
    """

    summary: str
    target: str
    add: Callable[[argparse.ArgumentParser], None]
    prints: bool = False


COMMANDS = {
    'doctor': Command(
        'look at your images and masks, change nothing',
        'mmsemi.apis.doctor:doctor',
        doctor,
        prints=True,
    ),
    'fit': Command(
        'train with two folders: images, and masks for some of them',
        'mmsemi.apis.fit:fit',
        fit,
    ),
    'train': Command('train with a config', 'mmsemi.apis.train:train', train),
    'test': Command(
        'measure a checkpoint on the test images of a config',
        'mmsemi.apis.test:test',
        test,
    ),
    'infer': Command('segment images', 'mmsemi.apis.infer:infer', infer),
    'predict': Command(
        'masks of all images, encoded as they came',
        'mmsemi.apis.predict:predict',
        predict,
        prints=True,
    ),
    'label-next': Command(
        'which images to label next, with masks to correct',
        'mmsemi.apis.selection:label_next',
        label_next,
        prints=True,
    ),
    'export': Command(
        'make a plain MMSegmentation or ONNX model',
        'mmsemi.apis.export:export',
        export,
    ),
    'convert': Command(
        'read a checkpoint that another program published',
        'mmsemi.apis.convert:convert',
        convert,
        prints=True,
    ),
    'mutual': Command(
        'train two models that label for each other (DMT)',
        'mmsemi.apis.train_mutual:train_mutual',
        mutual,
    ),
    'compare': Command(
        'train several methods on equal terms and compare them',
        'mmsemi.apis.compare:compare',
        compare,
        prints=True,
    ),
    'calibrate': Command(
        'sweep the calibration of a zero-label model',
        'mmsemi.apis.calibration:sweep_calibration',
        calibrate,
    ),
    'calibrate-masks': Command(
        'pseudo-labels of masks from elsewhere, as far as they are right',
        'mmsemi.apis.outside_masks:calibrate_masks',
        calibrate_masks,
        prints=True,
    ),
    'report': Command(
        'write the report of a run on your own images again',
        'mmsemi.apis.report:write_report',
        report,
        prints=True,
    ),
    'summarize': Command(
        'mean and deviation over runs, as Markdown',
        'mmsemi.report.runs:summarize',
        summarize,
        prints=True,
    ),
    'curves': Command(
        'curves of one or several runs in one picture',
        'mmsemi.report.curves:plot_curves',
        curves,
        prints=True,
    ),
}


class Script(NamedTuple):
    """A script below ``tools/``, for the preparation of data and weights."""

    summary: str
    path: str


SCRIPTS = {
    'splits': Script(
        'draw lists of labeled and unlabeled images',
        'dataset_converters/make_splits.py',
    ),
    'import-splits': Script(
        'bring in published lists', 'dataset_converters/import_splits.py'
    ),
    'gta5': Script('convert the masks of GTA5', 'dataset_converters/gta5.py'),
    'synthia': Script(
        'convert the masks of SYNTHIA', 'dataset_converters/synthia.py'
    ),
    'class-frequency': Script(
        'count the pixels of each class',
        'dataset_converters/class_frequency.py',
    ),
    'spatial-prior': Script(
        'where each class is found, for CBST-SP',
        'dataset_converters/spatial_prior.py',
    ),
    'class-embeddings': Script(
        'word vectors of class names, for zero-label methods',
        'dataset_converters/class_embeddings.py',
    ),
}
