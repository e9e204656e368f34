"""The commands, and the functions of ``mmsemi.apis`` they call."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

from . import preparation_arguments as preparation
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
    'splits': Command(
        'draw lists of labeled and unlabeled images',
        'mmsemi.apis.splits:make_splits',
        preparation.splits,
    ),
    'import-splits': Command(
        'bring in published lists',
        'mmsemi.apis.splits:import_splits',
        preparation.import_splits,
    ),
    'gta5': Command(
        'convert the masks of GTA5',
        'mmsemi.apis.preparation:convert_gta5',
        preparation.gta5,
    ),
    'synthia': Command(
        'convert the masks of SYNTHIA',
        'mmsemi.apis.preparation:convert_synthia',
        preparation.synthia,
    ),
    'class-frequency': Command(
        'count the pixels of each class',
        'mmsemi.apis.preparation:class_frequency',
        preparation.class_frequency,
    ),
    'spatial-prior': Command(
        'where each class is found, for CBST-SP',
        'mmsemi.apis.preparation:spatial_prior',
        preparation.spatial_prior,
    ),
    'class-embeddings': Command(
        'word vectors of class names, for zero-label methods',
        'mmsemi.apis.preparation:class_embeddings',
        preparation.class_embeddings,
    ),
}
