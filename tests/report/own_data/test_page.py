"""The report of a made run: what it says, and that it is safe to open."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from mmsemi.apis.fit_run import take_model
from mmsemi.apis.holdout import evaluate_holdout, show_unlabeled
from mmsemi.apis.report import write_report
from mmsemi.report.own_data.facts import collect
from mmsemi.report.own_data.run_folder import PLACES, RunFolder
from mmsemi.report.own_data.verdict import TIE
from mmsemi.utils.errors import UsageError, WriteError
from tests.full_disk import FullDisk, contents

from .made_run import write_pair, write_run

HOSTILE = (
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(2)>',
    "{{ 7 * 7 }} $\\frac$ ' &amp; \u202e gnp",
)
FILES = {'10': '"><svg onload=alert(3)>', '06': '<b> & {{x}}'}
VOID = {'meta', 'img', 'link', 'br', 'hr', 'input'}


class Page(HTMLParser):
    """Tags, attributes and text of a page; open tags must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.open, self.ids = [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        self.ids += [value for key, value in attrs if key == 'id']
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if not self.open or self.open[-1] != 'style':
            self.words.append(data)

    @property
    def text(self) -> str:
        return ' '.join(' '.join(self.words).split())

    def values(self, tag, key) -> list[str]:
        return [v for t, k, v in self.attributes if t == tag and k == key]


@pytest.fixture(scope='module')
def measured(tmp_path_factory):
    """A run with hostile names, measured; not to be changed."""
    root = tmp_path_factory.mktemp('report')
    run = write_run(root, classes=HOSTILE, names=FILES)
    write_pair(run / 'train', seed=1)
    write_pair(run / 'twin', seed=2, bias=1)
    best = evaluate_holdout(run, device='cpu')['recommended']
    take_model(run, run / PLACES[best])
    show_unlabeled(run, best, device='cpu')
    return run


@pytest.fixture
def run(measured, tmp_path):
    return shutil.copytree(measured, tmp_path / 'run')


def counts(shares, images=12, pixels=1000, seed=0):
    """Per-image counts of three classes found so well, give or take."""
    rng = np.random.default_rng(seed)
    per_image = {}
    for k in range(images):
        both = [
            int(pixels * (share + rng.uniform(-0.05, 0.05)) * (share > 0))
            for share in shares
        ]
        per_image[f'{k:02d}'] = dict(
            label=[pixels] * 3, prediction=[pixels] * 3, both=both
        )
    total = np.array([c['both'] for c in per_image.values()]).sum(0)
    confusion = np.diag(total)
    # What is missed goes to the next class.
    confusion[np.arange(3), [1, 2, 0]] = pixels * images - total
    return dict(per_image=per_image, confusion=confusion.tolist())


def write_holdout(run, method, twin=None) -> None:
    data = dict(method=method, recommended='method')
    if twin is not None:
        data['twin'] = twin
    (run / 'holdout.json').write_text(json.dumps(data))


def facts_of(run) -> dict:
    """What the page is filled with."""
    return collect(RunFolder(run))


@pytest.fixture(scope='module')
def page(measured):
    text = write_report(measured).read_text(encoding='utf-8')
    return Page(text), text


def test_the_page_is_one_file_and_runs_nothing(page) -> None:
    page, text = page
    assert len(text) < 3e6
    # Neither an address nor anything that would be loaded from one.
    words = re.sub('base64,[^"]*', '', text)
    assert not re.search(r'https?:|//[a-z]|url\((?!#c\d)|@import', words)
    for tag, key, value in page.attributes:
        assert not key.startswith('on'), (tag, key, value)
        if key in ('src', 'srcset', 'data', 'action', 'poster'):
            assert value.startswith('data:image/jpeg;base64,'), value[:60]
        if key in ('href', 'xlink:href'):
            assert value.startswith('#'), value
    policy = page.values('meta', 'content')
    assert any("default-src 'none'" in value for value in policy)
    for tag in ('script', 'link', 'iframe', 'object', 'embed', 'base', 'b'):
        assert tag not in page.tags
    # Pictures: 5 held-out images by 6, and 4 unlabeled ones by 3.
    assert len(page.values('img', 'src')) == 5 * 6 + 4 * 3
    assert all(page.values('img', 'alt'))
    assert len(page.ids) == len(set(page.ids))
    targets = [v for v in page.values('a', 'href')]
    assert targets and {v[1:] for v in targets} <= set(page.ids)


def test_names_are_shown_as_they_are(page) -> None:
    page, text = page
    for name in HOSTILE[:2]:
        assert name in page.text
    assert FILES['10'] in page.text and FILES['06'] in page.text
    assert '{{ 7 * 7 }} $\\frac$' in page.text
    # A character that turns the text behind it around is not.
    assert '\u202e' not in text and '\ufffd gnp' in page.text


def test_facts_of_the_run_are_on_the_page(page, measured) -> None:
    page, _ = page
    facts = json.loads((measured / 'report.json').read_text())
    for words in (
        'the first of its kind. Look at it',
        'images are so large',
        f'mmsemi fit photos masks --out {measured}-again',
        'seed 7',
        'measured on 5 hold-out images',
    ):
        assert words in page.text, words
    assert facts['numbers'] == dict(labeled=4, holdout=5, unlabeled=6)
    # Discs everywhere: everything else is taken for them.
    labels = {row['name']: row for row in facts['shares']}
    assert sum(row['labeled']['share'] for row in labels.values()) == (
        pytest.approx(100)
    )
    # The top row of every mask is unknown.
    assert facts['unknown_share'] == pytest.approx(100 / 32)


def test_a_gain_is_said_with_its_interval(run) -> None:
    write_holdout(run, counts([0.9, 0.8, 0.8]), counts([0.8, 0.6, 0.8]))
    facts = facts_of(run)
    assert facts['verdict']['kind'] == 'better'
    assert facts['verdict']['recommended'] == 'method'
    assert 'Yes, the unlabeled images helped' in facts['verdict']['headline']
    mean = facts['means']['gain']
    assert 0 < mean['low'] < mean['value'] < mean['high']
    interval = f'{mean["low"]:+.1f} to {mean["high"]:+.1f}'
    interval = interval.replace('-', '\N{MINUS SIGN}')
    assert interval in facts['verdict']['text']
    assert any(interval in tile['more'] for tile in facts['tiles'])
    assert facts['images'] == dict(better=12, worse=0, same=0)
    assert facts['pixels_right'] == pytest.approx(100 * 2.5 / 3, abs=2)
    verdicts = [row['verdict'] for row in facts['rows']]
    assert verdicts[:2] == ['better', 'better']


def test_a_loss_recommends_the_twin(run) -> None:
    write_holdout(run, counts([0.9, 0.5, 0.0]), counts([0.9, 0.8, 0.7]))
    page = Page(write_report(run).read_text())
    facts = facts_of(run)
    assert facts['verdict']['kind'] == 'worse'
    assert facts['verdict']['recommended'] == 'twin'
    assert 'made it worse' in page.text
    assert 'Use the model trained on the labeled images only.' in page.text
    # Figures of the recommended model are the twin's.
    assert facts['means']['score'] == facts['means']['twin']
    assert any('is found any more' in text for text in facts['warnings'])
    assert not any('finds no pixel' in text for text in facts['warnings'])


@pytest.mark.parametrize('sign', [1, -1])
def test_a_difference_that_may_be_chance(run, sign) -> None:
    pair = [counts([0.8, 0.8, 0.8], seed=1), counts([0.801, 0.8, 0.8], seed=2)]
    write_holdout(run, *pair[::sign])
    facts = facts_of(run)
    assert facts['verdict']['kind'] == 'unclear'
    gain = facts['means']['gain']
    assert gain['low'] < 0 < gain['high']
    assert 'cannot be told apart' in facts['verdict']['headline']
    expected = 'method' if gain['value'] >= -TIE else 'twin'
    assert facts['verdict']['recommended'] == expected
    assert any('Measure on more' in s['title'] for s in facts['steps'])


def test_one_image_leaves_the_interval_unknown(run) -> None:
    write_holdout(run, counts([0.9] * 3, 1), counts([0.5] * 3, 1))
    facts = facts_of(run)
    assert facts['verdict']['kind'] == 'unknown'
    assert facts['means']['gain']['low'] is None
    assert 'One image cannot tell' in facts['verdict']['headline']
    assert any('no interval can' in text for text in facts['warnings'])
    write_holdout(run, counts([0.9] * 3, 2), counts([0.5, 0.6, 0.4], 2))
    facts = facts_of(run)
    verdict = facts['verdict']
    assert 'Two images cannot tell' in verdict['headline']
    assert 'two images give no interval' in verdict['text']
    assert '--cross-validate' in verdict['advice']
    (step,) = [s for s in facts['steps'] if 'Measure on' in s['title']]
    assert '--cross-validate' in step['text'] and '--val' in step['text']


def test_models_that_do_the_same(run) -> None:
    write_holdout(run, counts([0.9] * 3), counts([0.9] * 3))
    verdict = facts_of(run)['verdict']
    assert verdict['headline'] == 'The unlabeled images made no difference'
    assert '+0.0 points' in verdict['text']


def test_without_a_twin(run) -> None:
    write_holdout(run, counts([0.9] * 3))
    facts = facts_of(run)
    assert facts['verdict']['kind'] == 'no twin'
    assert 'was not measured' in facts['verdict']['headline']
    assert 'gain' not in facts['means']
    told = json.loads((run / 'fit.json').read_text())
    told['settings'] = [dict(name='method', value='supervised', reason='')]
    (run / 'fit.json').write_text(json.dumps(told))
    verdict = facts_of(run)['verdict']
    assert verdict['headline'] == 'Trained on labeled images only'
    assert 'without --method supervised' in verdict['advice']
    # Nothing is said to have learned from unlabeled images.
    shutil.rmtree(run / 'twin')
    evaluate_holdout(run, device='cpu')
    show_unlabeled(run, 'method', device='cpu')
    text = Page(write_report(run).read_text()).text
    assert 'this is what predictions are worth' in text
    for words in ('with unlabeled', 'learned from', 'trained with'):
        assert words not in text, words
    facts = facts_of(run)
    steps = {step['title']: step['text'] for step in facts['steps']}
    assert '--cross-validate' in steps['Measure on more images']


def test_without_a_holdout(run) -> None:
    (run / 'holdout.json').unlink()
    shutil.rmtree(run / 'gallery')
    page = Page(write_report(run).read_text())
    facts = facts_of(run)
    assert facts['verdict']['kind'] == 'no holdout'
    assert 'There is no hold-out image.' in page.text
    assert not page.values('img', 'src')


def test_absent_classes_are_named(run) -> None:
    method, twin = counts([0.9] * 3), counts([0.8] * 3)
    for part in (method, twin):
        for image in part['per_image'].values():
            image['label'][2] = image['both'][2] = 0
    write_holdout(run, method, twin)
    facts = facts_of(run)
    assert any('No hold-out image shows' in w for w in facts['warnings'])
    assert facts['rows'][2]['gain']['value'] is None
    assert facts['tally'] == (
        'Of the classes: 2 better, 1 not in the hold-out.'
    )


def test_the_same_run_gives_the_same_page(page, measured) -> None:
    assert write_report(measured).read_text(encoding='utf-8') == page[1]


def test_what_is_no_run(tmp_path) -> None:
    with pytest.raises(UsageError, match='holds no fit.json'):
        write_report(tmp_path)
    (tmp_path / 'fit.json').write_text('{"classes": [')
    with pytest.raises(UsageError, match='is damaged'):
        write_report(tmp_path)
    (tmp_path / 'fit.json').write_text('{"classes": ["a"]}')
    with pytest.raises(UsageError, match='does not tell images, palette'):
        write_report(tmp_path)


def test_compares_with_the_run_before(run) -> None:
    write_holdout(run, counts([0.6] * 3), counts([0.5] * 3))
    facts = facts_of(run)
    facts['numbers']['labeled'] = 2
    facts['date'] = '2025-12-24'
    (run / 'previous.json').write_text(json.dumps(facts))
    write_holdout(run, counts([0.6, 0.6, 0.9]), counts([0.5] * 3))
    facts = facts_of(run)
    text = facts['before']['text']
    assert 'of 2025-12-24 had 2 labeled images' in text
    assert 'points on the same hold-out images' in text
    assert [row['name'] for row in facts['before']['classes']] == [HOSTILE[2]]
    write_holdout(run, counts([0.6] * 3, 11), counts([0.5] * 3, 11))
    facts = facts_of(run)
    assert 'points on other hold-out images' in facts['before']['text']


@pytest.mark.parametrize(
    'damage',
    [
        lambda data: data['method'].pop('confusion'),
        lambda data: data['method'].update(confusion=[[1, 2], [3, 4]]),
        lambda data: data['method']['per_image']['00'].pop('both'),
        lambda data: data['twin']['per_image'].pop('00'),
        lambda data: data['method']['per_image'].update({'00': 'x'}),
        lambda data: data.update(method=[1]),
    ],
)
def test_a_damaged_holdout_is_one_sentence(run, damage) -> None:
    write_holdout(run, counts([0.9] * 3), counts([0.8] * 3))
    data = json.loads((run / 'holdout.json').read_text())
    damage(data)
    (run / 'holdout.json').write_text(json.dumps(data))
    with pytest.raises(UsageError, match='holdout.json does not fit the 3'):
        facts_of(run)


@pytest.mark.parametrize('twin', [True, False])
def test_images_without_a_known_pixel(run, twin) -> None:
    parts = [counts([0.9] * 3, 2), counts([0.8] * 3, 2)]
    for part in parts:
        for image in part['per_image'].values():
            image.update(label=[0] * 3, prediction=[0] * 3, both=[0] * 3)
        part['confusion'] = np.zeros((3, 3), int).tolist()
    write_holdout(run, *parts[: 1 + twin])
    verdict = facts_of(run)['verdict']
    assert verdict['kind'] == 'no holdout'
    assert 'No hold-out image has a pixel' in verdict['text']
    write_report(run)


def test_a_full_disk_leaves_the_page_that_was_there(run) -> None:
    page = write_report(run)
    before = contents(run)
    for fits, name in enumerate(('report.json', 'report.html')):
        words = f'{name} could not be written: the disk is full. Free'
        with FullDisk(run).after(fits), pytest.raises(WriteError, match=words):
            write_report(run)
        now = contents(run)
        assert now.keys() == before.keys()
        assert now[page.name] == before[page.name]
    assert write_report(run) == page
