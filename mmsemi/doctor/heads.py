"""Whether the heads of a model fit the classes of its images."""

from mmengine.config import Config

from mmsemi.registry import bare_name
from mmsemi.utils.errors import UsageError


def check_heads(cfg: Config, images) -> None:
    """Stop where a head has other classes than the images.

    Args:
        cfg: config of the run.
        images: an ``ImageList`` of it.

    Raises:
        UsageError: naming head, images and remedy.
    """
    model = cfg.get('model') or {}
    model = model.get('student') or model
    for name in ('decode_head', 'auxiliary_head'):
        heads = model.get(name) or []
        for head in heads if isinstance(heads, (list, tuple)) else [heads]:
            kind, number = bare_name(head.get('type')), head.get('num_classes')
            # STDC's auxiliary heads find borders, not classes.
            if number not in (None, len(images.classes)) and not kind.endswith(
                'STDCHead'
            ):
                raise UsageError(
                    f'{name}.num_classes={number}, but the {images.role} '
                    f'images ({images.source}) have {len(images.classes)} '
                    f'classes: {", ".join(images.classes)}. Set num_classes '
                    'of the head, or metainfo=dict(classes=...) of the data '
                    'sets'
                )
            # It finds classes by name.
            if kind.endswith('SemanticEmbeddingHead') and head.get('classes'):
                images.check_names(
                    'SemanticEmbeddingHead',
                    head['classes'],
                    head.get('num_seen'),
                )
