"""Losses where a part of each labeled image is unknown."""

from mmengine.config import Config

from mmsemi.registry import MODELS, is_type

from .student_config import NETWORKS, dicts


def average_known(cfg: Config) -> None:
    """Let mmseg's cross entropy be the mean of the pixels with a label.

    It divides by all pixels otherwise, so that an image of which a tenth is
    labeled would count a tenth.

    Args:
        cfg: config with networks that are written out, changed in place.
    """
    model = cfg.get('model')
    if not isinstance(model, dict):
        return
    networks = [model[key] for key in NETWORKS if key in model] or [model]
    for part in dicts(networks):
        if is_type(part, MODELS, 'CrossEntropyLoss'):
            part.setdefault('avg_non_ignore', True)
