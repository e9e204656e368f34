"""Numbers that change from round to round."""

from collections.abc import Sequence


def portion_schedule(
    start: float,
    step: float,
    stop: float,
    rounds: int,
    as_released: bool = False,
) -> list[float]:
    """Shares that grow by a step from round to round.

    Args:
        start: share of the first round.
        step: growth.
        stop: largest share.
        rounds: number of rounds.
        as_released: add up as CBST's code does: in floating point, comparing
            before adding and not cutting off, so that ranks are rounded the
            same and a share may end one step above ``stop``. By default
            shares are cut off and rounded to nine digits.

    Returns:
        One share for each round.
    """
    shares, share = [], start
    for k in range(rounds):
        shares.append(
            share if as_released else round(min(start + k * step, stop), 9)
        )
        if share < stop:
            share += step
    return shares


def per_round_shares(shares: dict | Sequence[float]) -> list[float]:
    """Shares given as they are, or as arguments of a schedule.

    Raises:
        ValueError: when one does not lie in (0, 1].
    """
    if isinstance(shares, dict):
        shares = portion_schedule(**shares)
    wrong = [share for share in shares if not 0 < share <= 1]
    if wrong:
        raise ValueError(f'portions must lie in (0, 1], got {wrong}')
    return list(shares)
