"""What a round starts from: whole weights, and datasets that know it."""

from collections.abc import Sequence

from mmengine.model import is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import nn

from mmsemi.registry import DATASETS, TRANSFORMS, is_type


def check_baseline(model: nn.Module, path: str) -> None:
    """Refuse a baseline that leaves a part of the model untrained.

    ``load_from`` passes over what does not fit, and an untrained head would
    then label the images.

    Raises:
        ValueError: naming parameters that are missing or of another shape.
    """
    model = model.module if is_model_wrapper(model) else model
    loaded = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    loaded = {
        key.removeprefix('student.'): value
        for key, value in loaded.get('state_dict', loaded).items()
    }
    wrong = [
        key
        for key, value in getattr(model, 'student', model).state_dict().items()
        if not key.endswith('num_batches_tracked')
        and (key not in loaded or loaded[key].shape != value.shape)
    ]
    if wrong:
        raise ValueError(
            f'{path} is no baseline of this model: {len(wrong)} of its '
            f'tensors are missing or have another shape, such as {wrong[:3]}. '
            'Take a checkpoint of the same network and classes'
        )


def tell_datasets(config: dict | Sequence, labels: dict) -> None:
    """Write what datasets and transforms must know of a round in a config.

    Pseudo-labeled datasets are told where their labels are, crops which
    classes are rare.

    Args:
        config: dataset config, changed in place.
        labels: what ``PseudoLabelHook`` published of the round; empty if
            nothing labels, which is an error when a dataset needs labels.

    Raises:
        ValueError: as said above.
    """
    if isinstance(config, dict):
        if is_type(config, DATASETS, 'PseudoLabelDataset'):
            if not labels:
                raise ValueError(
                    'semi_dataloader holds a PseudoLabelDataset '
                    'but no hook labels the images: add '
                    'PseudoLabelHook to custom_hooks'
                )
            config['pseudo_label_dir'] = labels['folder']
        elif is_type(config, TRANSFORMS, 'RareClassCrop'):
            if not labels:
                raise ValueError(
                    'semi_dataloader holds a RareClassCrop but '
                    'no hook labels the images, which finds the '
                    'rare classes: add PseudoLabelHook to '
                    'custom_hooks'
                )
            config.update(
                classes=labels['rare_classes'], rarest=labels['rarest']
            )
        for value in config.values():
            tell_datasets(value, labels)
    elif isinstance(config, (list, tuple)):
        for value in config:
            tell_datasets(value, labels)
