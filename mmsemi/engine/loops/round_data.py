"""What a round trains on: loaders, and datasets that know of the round."""

import copy
from collections.abc import Sequence

from mmengine.config import Config
from torch.utils.data import DataLoader

from mmsemi.datasets.unlabeled import only
from mmsemi.registry import DATASETS, TRANSFORMS, is_type
from mmsemi.utils.compat import ranks_draw_differently


def tell_datasets(
    config: dict | Sequence, labels: dict, chosen: Sequence[int] | None = None
) -> None:
    """Write what datasets and transforms must know of a round in a config.

    Pseudo-labeled datasets are told where their labels are, crops which
    classes are rare.

    Args:
        config: dataset config, changed in place.
        labels: what ``PseudoLabelHook`` published of the round; empty if
            nothing labels, which is an error when a dataset needs labels.
        chosen: numbers of the unlabeled images of the round; None for all.

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
            if chosen is not None:
                config.update(only(config, chosen))
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
            tell_datasets(value, labels, chosen)
    elif isinstance(config, (list, tuple)):
        for value in config:
            tell_datasets(value, labels, chosen)


def wanted_loader(cfg: Config, key: str, content: str) -> dict:
    """A copy of the config of a loader.

    Raises:
        KeyError: saying what it is to load, if there is none.
    """
    loader = cfg.get(key)
    if loader is None:
        raise KeyError(f'the config needs `{key}`, the loader of {content}')
    return copy.deepcopy(loader)


def semi_dataloader(cfg: Config) -> dict:
    """A copy of the config of the loader that trains rounds 1, 2, ..."""
    return wanted_loader(
        cfg, 'semi_dataloader', 'labeled and pseudo-labeled images'
    )


def round_dataloader(runner, round_index: int) -> DataLoader:
    """Labeled and pseudo-labeled images of a round.

    Raises:
        ValueError: if the batch size is not what the sampler draws.
    """
    loader = semi_dataloader(runner.cfg)
    labels = runner.message_hub.get_info('mmsemi/pseudo_labels', {})
    chosen = runner.message_hub.get_info('mmsemi/chosen_images')
    tell_datasets(loader['dataset'], labels, chosen)
    sizes = loader['sampler'].get('samples_per_source')
    if sizes and loader.get('batch_size') != sum(sizes):
        raise ValueError(
            f'semi_dataloader.batch_size is {loader.get("batch_size")}, '
            f'but its sampler draws {tuple(sizes)} samples a batch'
        )
    # Another seed for every round: other orders and augmentations.
    built = runner.build_dataloader(
        loader,
        seed=runner.seed + round_index,
        diff_rank_seed=ranks_draw_differently(runner),
    )
    if hasattr(built.sampler, 'set_round'):
        built.sampler.set_round(round_index)
    return built
