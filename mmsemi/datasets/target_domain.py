"""Source images beside a few labeled images of the target domain."""

from collections.abc import Iterator, Sequence

from mmsemi.utils.errors import UsageError


def labeled_shares(data: dict, batch: dict) -> tuple[int, int]:
    """Labeled images in a batch, and how many of them are of the target.

    Args:
        data: facts of the data set.
        batch: numbers of images in a batch: of the ``labeled`` ones (where
            there is no such number, of those ``alone``) ``target`` (1 by
            default) are of the target domain, if there are such images.

    Raises:
        UsageError: where nothing would be left for the source images.
    """
    labeled = batch.get('labeled') or batch.get('alone', 0)
    if not data.get('target'):
        return labeled, 0
    number = batch.get('target', 1)
    if not 0 < number < labeled:
        raise UsageError(
            f'data.batch.target: {number} of the {labeled} labeled images in '
            'a batch are to be of the target domain. At least one, and not '
            'all, must be'
        )
    return labeled, number


def round_sampler(sampler: dict, shares: tuple[int, int]) -> dict:
    """The sampler a data set has for rounds, told of the target's share."""
    if not shares[1]:
        return dict(sampler)
    return {'target_share': shares[1] / shares[0], **sampler}


def shared_out(
    batch: dict, target: int, parts: Sequence[str]
) -> Iterator[int]:
    """Images of each part in a batch; target images are labeled ones.

    Args:
        batch: numbers by the names of parts.
        target: see :func:`labeled_shares`.
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
    return sampler, dict(
        type='SemiDataset', labeled=source, target=target, unlabeled=None
    )
