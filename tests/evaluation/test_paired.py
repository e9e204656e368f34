import math
import statistics

import pytest

from mmsemi.evaluation.paired import difference, over_seeds, paired


def test_the_interval_is_students() -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    found = difference(values)
    # 3.182 is the 97.5 % point with three degrees of freedom.
    reach = 3.182446 * statistics.stdev(values) / math.sqrt(4)
    assert found.mean == 2.5
    assert found.low == pytest.approx(2.5 - reach, rel=1e-6)
    assert found.high == pytest.approx(2.5 + reach, rel=1e-6)
    assert found.separable is True
    assert difference([-1.0, 2.0, 3.0]).separable is False
    assert difference([-1.0, -1.1, -0.9]).separable is True


def test_one_pair_has_no_interval() -> None:
    found = difference([3.0])
    assert (found.mean, found.low, found.deviation) == (3.0, None, None)
    assert not found.separable
    with pytest.raises(ValueError, match='no pair'):
        difference([])


def test_the_bootstrap_wants_five_values_and_is_the_same_each_time() -> None:
    assert difference([1.0, 2.0, 3.0, 4.0]).resampled is None
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    low, high = difference(values).resampled
    assert (low, high) == difference(values).resampled
    # Percentiles of means of five draws: 1.8 and 4.2, from all 5^5 samples.
    assert low == pytest.approx(1.8, abs=0.21)
    assert high == pytest.approx(4.2, abs=0.21)
    narrow = difference(values, level=0.5).resampled
    assert low < narrow[0] < narrow[1] < high


def test_pairs_are_what_both_have() -> None:
    one = {('a', 0): 5.0, ('a', 1): 6.0, ('b', 0): None}
    two = {('a', 0): 3.0, ('b', 0): 1.0}
    assert paired(one, two) == {('a', 0): 2.0}


def test_a_seed_is_one_value_and_lacks_no_split() -> None:
    values = {
        ('a', 0): 1.0,
        ('b', 0): 3.0,
        ('a', 1): 5.0,
        ('b', 1): 7.0,
        ('a', 2): 99.0,
    }
    assert over_seeds(values) == [2.0, 6.0]
