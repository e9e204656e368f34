"""The network that a person names for a run of ``fit``."""

from mmengine.config import Config

from mmsemi.io.package_configs import find_config
from mmsemi.prepare.fit_settings import NETWORKS
from mmsemi.utils.errors import UsageError

from .config import load_config


def network_text(model: str) -> str:
    """A config with nothing but the network of another config.

    Args:
        model: its file or name; nothing is written for networks by name.

    Raises:
        UsageError: if there is no such config, or no network in it.
    """
    if model == 'auto' or model in NETWORKS:
        return ''
    try:
        file = find_config(model)
    except UsageError as error:
        raise UsageError(
            f'--model {model}: it is neither {" nor ".join(NETWORKS)}, and '
            f'{error}'
        ) from error
    cfg = load_config(file)
    network = cfg.get('model') or {}
    network = network.get('student', network)
    if not isinstance(network.get('decode_head'), dict):
        raise UsageError(
            f'--model {model}: this config has no model with one decode_head'
        )
    return Config(dict(model=network)).pretty_text
