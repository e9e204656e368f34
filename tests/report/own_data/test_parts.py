"""What the report finds worth saying, in small examples."""

import numpy as np
import pytest

from mmsemi.evaluation.bootstrap import count_array, score
from mmsemi.report.own_data.advice import (
    images_wanted,
    listed,
    next_steps,
    still_rising,
)
from mmsemi.report.own_data.charts import Charts
from mmsemi.report.own_data.gallery import choose, image_scores
from mmsemi.report.own_data.mistakes import (
    matrix_rows,
    never_found,
    shown_classes,
    worst_mistakes,
)
from mmsemi.report.own_data.pictures import BOTH, BROKEN, RIGHTED, changes
from mmsemi.report.own_data.pseudo_labels import audited, by_confidence
from mmsemi.report.own_data.training import panels
from mmsemi.report.own_data.verdict import judge, points, recommend
from mmsemi.report.scalars import Curve

NAMES = ['a', 'b', 'c']
CONFUSION = [[90, 10, 0], [30, 0, 70], [0, 0, 0]]


def test_mistakes_are_sorted_by_their_share() -> None:
    found = worst_mistakes(CONFUSION, NAMES)
    assert [(m['truth'], m['taken_for'], m['share']) for m in found] == [
        ('b', 'c', 0.7),
        ('b', 'a', 0.3),
        ('a', 'b', 0.1),
    ]
    assert never_found(CONFUSION, NAMES) == ['b']
    rows = matrix_rows(CONFUSION, NAMES)
    assert [row['name'] for row in rows] == ['a', 'b']
    assert rows[1]['shares'] == [0.3, 0, 0.7]


def test_a_matrix_of_many_classes_shows_the_most_frequent() -> None:
    confusion = np.diag(np.arange(50))
    assert shown_classes(confusion.tolist()) == list(range(20, 50))
    assert shown_classes([[0, 0], [0, 5]]) == [1]


def test_images_are_chosen_once() -> None:
    scores = {f'{k:02d}': float(k) for k in range(20)}
    chosen = choose(scores)
    worst = [name for name, why in chosen.items() if why == 'worst']
    best = [name for name, why in chosen.items() if why == 'best']
    rest = [name for name, why in chosen.items() if why == 'random']
    assert worst == ['00', '01', '02'] and best == ['19', '18', '17']
    assert chosen['10'] == 'typical'  # the median
    assert len(rest) == 3 and not set(rest) & {*worst, *best, '10'}
    assert choose(scores) == chosen != choose(scores, seed=1)
    assert choose({'x': 1.0}) == {'x': 'worst'}
    assert set(choose({'x': 1.0, 'y': 2.0}).values()) == {'worst', 'best'}


def test_score_of_an_image_is_that_of_its_classes() -> None:
    per_image = dict(
        good=dict(label=[4, 4, 0], prediction=[4, 4, 0], both=[4, 4, 0]),
        # What is predicted but not there costs the classes in its place.
        bad=dict(label=[8, 0, 0], prediction=[4, 4, 0], both=[4, 0, 0]),
        unknown=dict(label=[0] * 3, prediction=[0] * 3, both=[0] * 3),
    )
    assert image_scores(per_image) == dict(good=100, bad=50)
    for name in ('good', 'bad'):  # one image alone: both figures are one
        alone = count_array({name: per_image[name]})
        assert score(alone).mean.value == image_scores(per_image)[name]


def test_colors_of_mistakes() -> None:
    photo = np.full((1, 5, 3), 200, np.uint8)
    truth = np.array([[0, 1, 1, 1, 255]], np.uint8)
    method = np.array([[0, 1, 0, 0, 0]], np.uint8)
    twin = np.array([[0, 0, 1, 2, 0]], np.uint8)
    pixels = changes(photo, truth, method, twin)[0].tolist()
    assert pixels[1:4] == [list(RIGHTED), list(BROKEN), list(BOTH)]
    # Right in both, and unknown: the faded photo.
    assert pixels[0] == pixels[4] == [236] * 3
    alone = changes(photo, truth, method, None)[0].tolist()
    assert alone[1] == [236] * 3 and alone[2] == alone[3] == list(BOTH)


def test_how_right_the_sure_pixels_are() -> None:
    pixels, right = np.zeros((2, 2, 20), int)
    pixels[0, 10], right[0, 10] = 60, 30  # 50 % sure
    pixels[1, 19], right[1, 19] = 40, 36  # at least 95 % sure
    found = by_confidence(dict(pixels=pixels, right=right), ['a', 'b'])
    assert found['rows'][0] == dict(threshold=0.0, kept=100, right=66)
    assert found['rows'][-1] == dict(threshold=0.95, kept=40, right=90)
    assert found['classes'][0] == dict(name='a', kept=0, right=None)
    assert found['bins'][5] == 50 and found['bins'][9] == 90
    assert found['bins'][0] is None


def test_pseudo_labels_of_runs_that_know_the_truth() -> None:
    figures = dict(predicted=0.5, confident=0.25, right=None, found=0.125)
    reports = [dict(iterations=[0, 9], per_class={}), None]
    reports[1] = dict(iterations=[9, 20], per_class=dict(a=figures))
    found = audited(reports, None)
    assert found['iterations'] == [9, 20]
    assert found['rows'] == [
        dict(name='a', predicted=50, confident=25, right=None, found=12.5)
    ]
    first = dict(round=0, kept=None, pseudo_label_accuracy=None)
    second = dict(round=1, kept=0.5, pseudo_label_accuracy=0.75)
    found = audited(None, dict(rounds=[first, second]))
    assert found['rows'] == [dict(round=1, kept=50, right=75)]
    assert audited(None, dict(rounds=[first])) is None
    assert audited(None, None) is None


@pytest.mark.parametrize(
    'gain, number, wanted',
    [
        # Half the width is twice the gain: four times the images.
        (dict(value=1.0, low=-1.0, high=3.0), 10, 40),
        (dict(value=-1.0, low=-3.0, high=1.0), 30, 120),
        (dict(value=2.0, low=0.5, high=3.0), 10, None),
        (dict(value=0.01, low=-5.0, high=5.0), 10, None),
        (dict(value=0.0, low=-5.0, high=5.0), 10, None),
        (dict(value=2.0, low=None, high=None), 1, None),
        (None, 10, None),
    ],
)
def test_images_wanted_to_be_sure(gain, number, wanted) -> None:
    assert images_wanted(gain, number) == wanted


def test_training_that_was_still_rising() -> None:
    def curve(*values):
        return {'teacher/mIoU': Curve([1, 2, 3, 4], list(values), True)}

    assert still_rising(curve(10.0, 30.0, 20.0, 40.0))
    assert not still_rising(curve(10.0, 40.0, 30.0, 40.2))
    assert not still_rising({'loss': Curve([1, 2, 3], [1.0, 2.0, 3.0], False)})


@pytest.mark.parametrize('value', [0.3, 30.0])
def test_what_was_not_learned_at_all_is_no_matter_of_labels(value) -> None:
    """Many images and no pixel found: longer training, and nothing else."""
    classes = dict(hair=(32, value), hat=(2, 0.2), coat=(6, 0.0))
    rows = [
        dict(name=name, images=5, score=dict(value=iou))
        for name, (_, iou) in classes.items()
    ]
    shares = [
        dict(name=name, labeled=dict(images=images, share=1.0))
        for name, (images, _) in classes.items()
    ]
    mixed = [dict(truth='hair', taken_for='coat', share=0.9)]
    steps = next_steps(rows, shares, mixed, None, 9, {}, True)
    found = {step['title']: step['text'] for step in steps}
    weak = found['Label more of what is found badly']
    # The rarest first of those that are found equally badly.
    assert weak.startswith('Weakest are hat (IoU 0 %; in 2 labeled images')
    assert ('hair' in weak) is (value > 1)
    assert ('Train longer' in found) is (value < 1)
    assert ('Check masks of classes that are mixed up' in found) is (value > 1)
    if value < 1:
        assert steps[0]['text'].startswith('hair is in 12 or more labeled')
    label = 'Label the images that help most'
    assert label in found
    without = next_steps(rows, shares, mixed, None, 9, {}, None)
    assert label not in {step['title'] for step in without}


@pytest.mark.parametrize('classes', ['ab', 'abc'])
def test_classes_that_are_mixed_up_are_named_once(classes) -> None:
    """Of two classes nobody would make one."""
    known = dict(value=60.0)
    rows = [dict(name=name, images=9, score=known) for name in classes]
    shares = [
        dict(name=name, labeled=dict(images=9, share=1)) for name in classes
    ]
    mixed = [
        dict(truth=one, taken_for=other, share=share)
        for one, other, share in [('a', 'b', 0.5), ('b', 'a', 0.4)]
    ]
    found = {
        step['title']: step['text']
        for step in next_steps(rows, shares, mixed, None, 30, {}, None)
    }
    text = found.get('Check masks of classes that are mixed up', '')
    assert text.count('taken for') == (len(classes) > 2)


def test_pictures_of_both_trainings() -> None:
    line = Curve([1, 2], [3.0, 4.0], False)
    other = Curve([1, 2], [5.0, 6.0], True)
    online = {'loss': line, 'loss_sup_ce': line, 'teacher/mIoU': other}
    online['student/mIoU'] = line
    found = panels(dict(method=online, twin=dict(online)))
    assert [p['title'][:8] for p in found] == ['Mean IoU', 'Loss on ']
    # The network that predicts.
    assert found[0]['lines'][0] == ('method', [1, 2], [5.0, 6.0])
    rounds = dict(method={'loss': line}, twin=online)
    assert [len(p['lines']) for p in panels(rounds)] == [1, 2]
    assert panels(dict(method={}, twin={})) == []
    point = Curve([7], [0.7], False)
    assert panels(dict(method={'loss': point}, twin={})) == []
    assert len(panels(dict(method={'loss': point}, twin=online))) == 2


def test_words_for_figures() -> None:
    assert points(1.26) == '+1.3' and points(-0.04) == '+0.0'
    assert points(-1.26) == '\N{MINUS SIGN}1.3'
    assert listed(['a', 'b']) == 'a, b'
    assert listed(list('abcdefgh')) == 'a, b, c, d, e, f and 2 more'


def test_the_better_mean_is_recommended() -> None:
    better = np.array([[[10, 10], [10, 10], [9, 9]]])
    worse = np.array([[[10, 10], [10, 10], [9, 8]]])
    assert recommend(better, worse) == 'method'
    assert recommend(worse, better) == 'twin'
    assert recommend(worse, worse) == recommend(worse) == 'method'


def test_charts_take_any_name_and_the_colors_of_the_page() -> None:
    names = ['<script>', '$x_{', 'a' * 90, '\u96ea', '"&']
    gain = dict(value=1.0, low=-1.0, high=2.0)
    rows = [dict(name=name, gain=gain, verdict='unclear') for name in names]
    charts = Charts()
    svg = charts.gains(rows, gain) + charts.curve('Loss', [('twin', [1], [2])])
    assert '<script' not in svg and '&lt;script&gt;' in svg
    assert 'currentColor' in svg and '#010203' not in svg
    assert '$x_{' in svg and 'a' * 30 not in svg
    assert charts.gains([dict(rows[0], gain=dict(value=None))], gain) == ''


@pytest.mark.parametrize(
    ('unlabeled', 'words'),
    [
        (0, 'What is unknown in partly labeled images was left aside'),
        (1, 'The unlabeled image was left aside'),
        (7, 'The 7 unlabeled images were left aside'),
    ],
)
def test_what_was_left_aside_for_poor_labels(unlabeled, words) -> None:
    """Partly labeled masks have labels to be made, without other images."""
    counts = np.array([[[8, 4], [7, 5], [6, 3]]])
    told, _, _ = judge(counts, None, unlabeled, True, label_precision=0.4)
    assert words in told.text and 'right in 40 % of' in told.text


def test_a_tie_goes_to_the_model_that_has_seen_more() -> None:
    """Unless it is no tie: a small difference that all images show."""
    ahead = np.array([[[1000, 1000], [1000, 1000], [900, 900]]])
    behind = np.array([[[1000, 1000], [1000, 1000], [895, 895]]])
    assert recommend(behind, ahead) == 'method'
    told = judge(behind, ahead)[0]
    assert told.recommended == 'method' and 'seen more images' in told.advice
    shift = np.array([0, 1, 2, 1, 0, 1])[:, None, None]
    each = np.array([0, 0, 1])[:, None]  # what is found of both classes
    assert recommend(behind + shift * each, ahead + 0 * shift) == 'twin'
