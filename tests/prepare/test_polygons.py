import pytest

from mmsemi.prepare.polygons import fill_even_odd, labelme_shape


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf', '1e999'])
def test_outlines_have_finite_coordinates(value):
    points = [[1.0, 1.0], [5.0, float(value)], [3.0, 7.0]]
    with pytest.raises(ValueError, match='not a finite number'):
        labelme_shape(points, 'polygon', (9, 9))
    with pytest.raises(ValueError, match='not a finite number'):
        fill_even_odd([points], (9, 9))
