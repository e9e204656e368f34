"""Images in the order in which they are to be labeled, with reasons."""

from typing import Any

import numpy as np

from mmsemi.evaluation.usefulness import ImageUse, choose, percentiles, rarity

COLUMNS = (
    'rank',
    'image',
    'score',
    'uncertainty',
    'disagreement',
    'rare',
    'novelty',
    'reason',
)


def ranking(
    seen: dict[str, ImageUse],
    known: dict[str, ImageUse],
    number: int,
    classes: list[str],
    two_models: bool,
    drawn: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Rows of the table, by :data:`COLUMNS`.

    Args:
        seen: unlabeled images by name.
        known: labeled ones.
        number: of images to choose.
        classes: names.
        two_models: whether disagreement is that of two models.
        drawn: (C,) share of each class in the masks, where it is known; a
            poor model is no witness of what is rare.
    """
    uses = list(seen.values())
    shares = np.stack([use.shares for use in uses])
    labeled = [use.shares for use in known.values()]
    frequency = np.mean(labeled or shares, axis=0)
    parts = dict(
        uncertainty=np.array([use.uncertainty for use in uses]),
        disagreement=np.array([use.disagreement for use in uses]),
        rare=rarity(shares, frequency),
    )
    ranks = {key: percentiles(values) for key, values in parts.items()}
    features = np.stack([use.feature for use in uses])
    there = np.array([use.feature for use in known.values()])
    choices = choose(
        np.mean(list(ranks.values()), axis=0),
        features,
        there.reshape(-1, features.shape[1]),
        number,
    )
    names = list(seen)
    rows = []
    for rank, choice in enumerate(choices, start=1):
        at = choice.place
        rows.append(
            dict(
                rank=rank,
                image=names[at],
                score=round(choice.score, 4),
                **{key: round(float(v[at]), 4) for key, v in parts.items()},
                novelty=round(choice.novelty, 4),
                reason=_reason(
                    uses[at],
                    {key: values[at] for key, values in ranks.items()},
                    frequency if drawn is None else drawn,
                    classes,
                    two_models,
                ),
            )
        )
    return rows


def _reason(
    use: ImageUse,
    ranks: dict[str, float],
    frequency: np.ndarray,
    classes: list[str],
    two_models: bool,
) -> str:
    """Why an image was chosen, in words."""
    held = np.flatnonzero(use.shares > 0.002)
    rarest = held[frequency[held].argmin()] if len(held) else 0
    is_rare = frequency[rarest] < 1 / len(classes)  # less than on average
    share = f'{100 * use.disagreement:.0f} %, small classes counting more'
    words = dict(
        uncertainty=f'the model is unsure, most of all about '
        f'{classes[use.unsure_class]}',
        disagreement=f'the two trained models disagree ({share})'
        if two_models
        else f'the mirrored image is labeled differently ({share})',
        rare=f'it seems to hold {classes[rarest]}, which is rare',
    )
    if not is_rare:
        del words['rare']
    strong = sorted(
        (key for key in words if ranks[key] >= 0.6), key=lambda k: -ranks[k]
    )
    found = [words[key] for key in strong[:2]]
    return '; '.join(found or ['it is unlike the labeled and chosen images'])
