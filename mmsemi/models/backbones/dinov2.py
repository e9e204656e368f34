"""DINOv2 of mmpretrain, as dense prediction reads it."""

from collections.abc import Sequence
from importlib import import_module

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmsemi.io.package_configs import install_hint
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

from .feature_cache import FeatureCache, digest, tensor_bytes, weights_digest

# Architecture in mmpretrain, and the blocks (from 0) that a head reads.
SIZES: dict[str, tuple[str, tuple[int, ...]]] = dict(
    small=('dinov2-small', (2, 5, 8, 11)),
    base=('base', (2, 5, 8, 11)),
    large=('large', (4, 11, 17, 23)),
)
PATCH = 14


@MODELS.register_module()
class DINOv2(BaseModule):
    """Patch tokens of four blocks, each through the last normalization.

    Oquab et al., "DINOv2: Learning Robust Visual Features without
    Supervision", TMLR 2024, as UniMatch V2 uses it (Yang et al., arXiv
    2410.10777): mmpretrain's ``VisionTransformer`` with patches of 14 pixels,
    whose last LayerNorm is applied to all levels, and no class token. Weights
    come from the official files by
    ``mmsemi convert``.

    Args:
        size: ``'small'``, ``'base'`` or ``'large'``.
        img_size: side of the images whose grid the position embedding has;
            others get it interpolated. That of the weights is 518.
        layers: blocks, counted from 0, that give a level; those of the paper
            for the size by default.
        frozen: train nothing in it, and keep no gradients.
        drop_path_rate: of stochastic depth.
        cache_features: ``dict(dir=..., max_gb=...)`` keeps the features of a
            frozen transformer for images that come again, see
            :class:`FeatureCache`. All features are then rounded to half
            precision, so that a run does not depend on what is kept.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` of the
            transformer.

    Raises:
        UsageError: if mmpretrain cannot be imported.
    """

    def __init__(
        self,
        size: str = 'small',
        img_size: int = 518,
        layers: Sequence[int] | None = None,
        frozen: bool = False,
        drop_path_rate: float = 0.0,
        cache_features: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__()
        if size not in SIZES:
            raise ValueError(
                f'size must be one of {", ".join(SIZES)}, got {size!r}'
            )
        try:
            import_module('mmpretrain.models')
        except (ImportError, RuntimeError) as error:
            raise UsageError(
                'the backbone DINOv2 needs mmpretrain, which cannot be '
                f'imported ({error}). Install it: '
                + install_hint('mmpretrain')
            ) from error
        arch, usual = SIZES[size]
        self.transformer = MODELS.build(
            dict(
                type='mmpretrain.VisionTransformer',
                arch=arch,
                img_size=img_size,
                patch_size=PATCH,
                layer_scale_init_value=1e-5,
                out_type='featmap',
                out_indices=list(layers or usual),
                drop_path_rate=drop_path_rate,
                init_cfg=init_cfg,
            )
        )
        self.frozen = frozen
        self.transformer.requires_grad_(not frozen)
        self.cache: FeatureCache | None = None
        if cache_features:
            if not frozen:
                raise UsageError(
                    'backbone.cache_features needs backbone.frozen=True: '
                    'features of a backbone that learns change in every step'
                )
            self.cache = FeatureCache(**cache_features)
            self.transformer.register_load_state_dict_post_hook(_changed)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Levels (N, D, H // 14, W // 14) of images (N, 3, H, W)."""
        if self.cache is None:
            return self.levels(images)
        return self.cached(self.cache, images)

    def levels(self, images: Tensor) -> tuple[Tensor, ...]:
        """See :meth:`forward`; computed."""
        network = self.transformer
        with torch.set_grad_enabled(
            torch.is_grad_enabled() and not self.frozen
        ):
            levels = network(images)
            last = network.num_layers - 1
            return tuple(
                # mmpretrain normalizes what the last block gives, alone.
                level
                if index == last
                else network.ln1(level.movedim(1, -1)).movedim(-1, 1)
                for index, level in zip(network.out_indices, levels)
            )

    def cached(
        self, cache: FeatureCache, images: Tensor
    ) -> tuple[Tensor, ...]:
        """See :meth:`forward`; what is kept is not computed."""
        network = self.transformer
        if getattr(network, 'digest', None) is None:
            blocks = str(network.out_indices)
            network.digest = weights_digest(network, blocks)
        # What is computed in half precision is something else.
        kind = images.device.type
        reduced = torch.is_autocast_enabled(kind)
        about = (
            tuple(images.shape[1:]),
            reduced and str(torch.get_autocast_dtype(kind)),
        )
        keys = [
            digest(str(about).encode(), tensor_bytes(image))
            for image in images
        ]
        kept = [cache.get(network.digest, key) for key in keys]
        new = [k for k, levels in enumerate(kept) if levels is None]
        if new:
            part = images if len(new) == len(kept) else images[new]
            computed = torch.stack(self.levels(part), 1).half()
            for k, levels in zip(new, computed):
                cache.offer(network.digest, keys[k], levels)
                kept[k] = levels
        with torch.autocast(kind, enabled=False):
            whole = torch.stack([levels.to(images.device) for levels in kept])
        return tuple(whole.float().unbind(1))

    def init_weights(self) -> None:
        """Initialize; features that are kept belong to other weights."""
        super().init_weights()
        _changed(self.transformer)

    def train(self, mode: bool = True) -> 'DINOv2':
        """Set the mode; a frozen transformer stays in that of evaluation."""
        super().train(mode)
        if self.frozen:
            self.transformer.eval()
        return self


def _changed(transformer: torch.nn.Module, *_: object) -> None:
    """Forget what the weights of a transformer were."""
    transformer.digest = None
