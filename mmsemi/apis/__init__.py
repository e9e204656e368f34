"""What the commands do, as Python functions.

    from mmsemi.apis import train, test, infer

Each is imported with what it needs when it is first asked for.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmsemi.report.curves import plot_curves
    from mmsemi.report.runs import summarize

    from .calibration import sweep_calibration
    from .compare import compare
    from .convert import convert
    from .doctor import doctor
    from .export import export
    from .fit import fit
    from .holdout import evaluate_holdout
    from .infer import infer
    from .modules import register_all_modules
    from .outside_masks import calibrate_masks
    from .predict import predict
    from .preparation import (
        class_embeddings,
        class_frequency,
        convert_gta5,
        convert_synthia,
        spatial_prior,
    )
    from .report import write_report
    from .selection import label_next
    from .splits import import_splits, make_splits
    from .test import test
    from .train import train
    from .train_mutual import train_mutual

_PLACES = dict(
    calibrate_masks='mmsemi.apis.outside_masks',
    class_embeddings='mmsemi.apis.preparation',
    class_frequency='mmsemi.apis.preparation',
    compare='mmsemi.apis.compare',
    convert='mmsemi.apis.convert',
    convert_gta5='mmsemi.apis.preparation',
    convert_synthia='mmsemi.apis.preparation',
    doctor='mmsemi.apis.doctor',
    evaluate_holdout='mmsemi.apis.holdout',
    export='mmsemi.apis.export',
    fit='mmsemi.apis.fit',
    import_splits='mmsemi.apis.splits',
    infer='mmsemi.apis.infer',
    label_next='mmsemi.apis.selection',
    make_splits='mmsemi.apis.splits',
    plot_curves='mmsemi.report.curves',
    predict='mmsemi.apis.predict',
    register_all_modules='mmsemi.apis.modules',
    spatial_prior='mmsemi.apis.preparation',
    summarize='mmsemi.report.runs',
    sweep_calibration='mmsemi.apis.calibration',
    test='mmsemi.apis.test',
    train='mmsemi.apis.train',
    train_mutual='mmsemi.apis.train_mutual',
    write_report='mmsemi.apis.report',
)

__all__ = [
    'calibrate_masks',
    'class_embeddings',
    'class_frequency',
    'compare',
    'convert',
    'convert_gta5',
    'convert_synthia',
    'doctor',
    'evaluate_holdout',
    'export',
    'fit',
    'import_splits',
    'infer',
    'label_next',
    'make_splits',
    'plot_curves',
    'predict',
    'register_all_modules',
    'spatial_prior',
    'summarize',
    'sweep_calibration',
    'test',
    'train',
    'train_mutual',
    'write_report',
]


class _Functions(ModuleType):
    """The name ``train`` stays the function once its module is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f'module {__name__} has no attribute {name}')
    value = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


sys.modules[__name__].__class__ = _Functions
