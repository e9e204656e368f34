"""Rounds end with an iteration."""

import pytest

from mmsemi.engine.loops.round_lengths import per_round, round_ends


def test_whole_numbers_however_they_are_written():
    found = round_ends(2.0, per_round(3.0, 2, 'iters_per_round'))
    assert found == [2, 5, 8] and all(type(end) is int for end in found)


@pytest.mark.parametrize('supervised, each', [(2, 2.5), (0.5, 2)])
def test_a_part_of_an_iteration_is_refused(supervised, each):
    """No iteration would be the last of such a round."""
    with pytest.raises(ValueError, match='rounds have whole iterations, got'):
        round_ends(supervised, per_round(each, 2, 'iters_per_round'))
