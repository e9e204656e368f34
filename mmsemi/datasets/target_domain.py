"""Source images beside a few labeled images of the target domain."""

from collections.abc import Iterator, Sequence

from mmsemi.utils.errors import UsageError


def target_share(data: dict, batch: dict) -> int:
    """How many of the labeled images in a batch are of the target domain.

    Args:
        data: facts of the data set.
        batch: numbers of images in a batch: of the ``labeled`` ones
            ``target`` (1 by default) are of the target domain, if there are
            such images.

    Raises:
        UsageError: where nothing would be left for the source images.
    """
    if not data.get('target'):
        return 0
    number, labeled = batch.get('target', 1), batch.get('labeled', 0)
    if not 0 < number < labeled:
        raise UsageError(
            f'data.batch.target: {number} of the {labeled} labeled images in '
            'a batch are to be of the target domain. At least one, and not '
            'all, must be'
        )
    return number


def shared_out(
    batch: dict, target: int, parts: Sequence[str]
) -> Iterator[int]:
    """Images of each part in a batch; target images are labeled ones.

    Args:
        batch: numbers by the names of parts.
        target: see :func:`target_share`.
        parts: names.
    """
    sources = dict(batch, target=target)
    if target:
        sources['labeled'] -= target
    return (sources.get(part, 0) for part in parts)


def both_domains(
    source: dict, target: dict, batch: int, shares: tuple[int, int]
) -> tuple[dict, dict]:
    """Sampler and data set of labeled images of both domains, alone.

    Args:
        source: data set.
        target: data set.
        batch: images in a batch.
        shares: of all labeled and of target images, as they are in batches
            that hold unlabeled images, too. At least one is of the target.
    """
    if batch < 2:
        raise UsageError(
            f'data.batch.alone={batch}: source and target images are to be '
            'in a batch, so it must be at least 2'
        )
    few = min(max(round(batch * shares[1] / shares[0]), 1), batch - 1)
    sampler = dict(
        type='SourceRatioSampler', samples_per_source=(batch - few, few)
    )
    return sampler, dict(type='ConcatDataset', datasets=[source, target])
