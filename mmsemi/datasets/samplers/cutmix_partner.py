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
    last source in the order of the batch, for each of its parts first the
    shuffled ones, then their partners; ``classes`` (n, ) are those the n
    partners were looked for, None where they are any images.
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
    image of the last source, out of the whole of it; where a batch is taken
    in parts, those of a part follow its images. :attr:`draw` chooses
    them; ``CutMixPartnerHook`` sets it and takes what was drawn from
    :attr:`drawn`. A data loader with workers draws a few batches ahead, with
    some versions of mmengine before the hook is there: any images then.

    Args:
        dataset: see :class:`SourceRatioSampler`.
        samples_per_source: as there, without the partners: the data loader
            needs a batch size of their sum plus the last of them.
        parts: in which a process takes its batch.
        seed: as there. Random numbers for a partner depend on it, the number
            of the step and the place of the image in it, not on the
            processes or parts that share the step.
    """

    draw: Callable | None = None

    def __init__(self, *args, parts: int = 1, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.parts = parts
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
            if (k + 1) * self.batch_size <= self.start_at:
                yield batch + batch[-number:]  # skipped
                continue
            rngs = [
                np.random.default_rng((self.seed, k, self.rank * number + i))
                for i in range(number)
            ]
            if self.draw is None and len(self.drawn) > MAX_AHEAD:
                raise RuntimeError(NO_HOOK)
            classes, partners = (
                self.draw(rngs)
                if self.draw
                else (None, [rng.integers(self.sizes[-1]) for rng in rngs])
            )
            pairs = np.stack([np.array(batch[-number:]) - start, partners])
            # (2, parts, images of a part) in the order parts, kinds, images
            images = pairs.reshape(2, self.parts, -1).swapaxes(0, 1).ravel()
            self.drawn.append(Partners(k, images, classes))
            yield batch[:-number] + (images + start).tolist()
