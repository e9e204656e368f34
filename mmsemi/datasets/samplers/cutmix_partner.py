from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from mmengine.config import Config

from mmsemi.registry import DATA_SAMPLERS, HOOKS, is_type
from mmsemi.utils.errors import UsageError

from .source_ratio import SourceRatioSampler


class Partners(NamedTuple):
    """What was drawn for one batch.

    ``number`` counts the batches from 0; ``images`` holds positions in the
    last source, first the n shuffled ones, then their n partners;
    ``classes`` (n, ) are those the partners were looked for, None where
    they are any images.
    """

    number: int
    images: np.ndarray
    classes: np.ndarray | None


# Batches that may be on their way before the hook is there.
MAX_AHEAD = 256
NO_HOOK = 'CutMixPartnerSampler needs CutMixPartnerHook in custom_hooks'


def check_partner_hook(cfg: Config) -> None:
    """Stop where partners are loaded that nobody would know of.

    Raises:
        UsageError: if a run has the sampler without the hook.
    """
    loader = cfg.get('train_dataloader') or {}
    if is_type(
        loader.get('sampler'), DATA_SAMPLERS, 'CutMixPartnerSampler'
    ) and not any(
        is_type(hook, HOOKS, 'CutMixPartnerHook')
        for hook in cfg.get('custom_hooks') or []
    ):
        raise UsageError(NO_HOOK)


@DATA_SAMPLERS.register_module()
class CutMixPartnerSampler(SourceRatioSampler):
    """Batches in which every unlabeled image brings one to paste from.

    A batch is that of :class:`SourceRatioSampler`, then a partner for each
    image of the last source, out of the whole of it. :attr:`draw` chooses
    them; ``CutMixPartnerHook`` sets it and takes what was drawn from
    :attr:`drawn`. A data loader with workers draws a few batches ahead, with
    some versions of mmengine before the hook is there: any images then.

    Args:
        dataset: see :class:`SourceRatioSampler`.
        samples_per_source: as there, without the partners: the data loader
            needs a batch size of their sum plus the last of them.
        seed: as there; random numbers for partners of batch k depend on
            it, k and the rank.
    """

    draw: Callable | None = None

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not self.samples_per_source[-1]:
            raise ValueError(
                'CutMixPartnerSampler needs images of the last '
                'source in the batch, got samples_per_source='
                f'{self.samples_per_source}'
            )
        self.drawn: deque[Partners] = deque()

    @property
    def batch_size(self) -> int:
        """Samples in a batch of one rank, partners included."""
        return super().batch_size + self.samples_per_source[-1]

    def _batches(self) -> Iterator[list[int]]:
        self.drawn.clear()
        number, start = self.samples_per_source[-1], self.starts[-1]
        for k, batch in enumerate(super()._batches()):
            if (k + 1) * self.batch_size <= self._start:
                yield batch + batch[-number:]  # skipped
                continue
            rng = np.random.default_rng((self.seed, self.rank, k))
            if self.draw is None and len(self.drawn) > MAX_AHEAD:
                raise RuntimeError(NO_HOOK)
            classes, partners = (
                self.draw(rng, number)
                if self.draw
                else (None, rng.integers(self.sizes[-1], size=number))
            )
            images = np.concatenate(
                [np.array(batch[-number:]) - start, partners]
            )
            self.drawn.append(Partners(k, images, classes))
            yield batch + (partners + start).tolist()
