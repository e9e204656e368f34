"""The report of a comparison, of made-up run folders."""

import csv
import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from mmsemi.apis import compare
from mmsemi.apis.compare_tuning import chosen, note_grid, read_grid
from mmsemi.io.files import read_json, write_json
from mmsemi.io.lock import FolderLock
from mmsemi.report.comparison import compute, read_cells
from mmsemi.report.comparison_configs import changes, shared_names
from mmsemi.report.comparison_figures import figures, relative_compute
from mmsemi.report.comparison_files import csv_text, markdown, write_report
from mmsemi.report.comparison_lists import list_facts, read_names
from mmsemi.report.comparison_picture import apart
from mmsemi.report.published import BEGIN, END
from mmsemi.utils.errors import UsageError
from tests.compare.made_up import make_cell


def row_of(text, *beginning):
    """Cells of the first line of a table that begins so."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if cells[: len(beginning)] == list(beginning):
            return cells
    raise AssertionError(f'no line {beginning}')


def told(folder):
    """The Markdown of a folder, without picture and files."""
    cells = read_cells(folder)
    return markdown(folder, cells, figures(cells), {})


def part(text, title):
    """A section of a report."""
    return text.split(f'## {title}')[1].split('\n## ')[0]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Two splits and three seeds: one method is better, one is not."""
    tmp_path = tmp_path_factory.mktemp('made')
    base = {0: 40.0, 1: 44.0, 2: 42.0}
    for seed, value in base.items():
        for split, labeled, more in (
            ('1_16', ('a', 'b'), 0),
            ('1_8', ('a', 'b', 'c'), 3),
        ):
            args = (split, seed)
            known = dict(labeled=labeled)
            make_cell(tmp_path, 'labeled-only', *args, value + more, **known)
            make_cell(
                tmp_path,
                'good',
                *args,
                value + more + 2 + 0.1 * seed,
                best=71,
                learning=160,
                **known,
            )
            make_cell(
                tmp_path,
                'noisy',
                *args,
                value + more + (5, -5, 1)[seed],
                **known,
            )
        make_cell(
            tmp_path,
            'all-labels',
            'all',
            seed,
            50.0,
            labeled=('a', 'b', 'c', 'd', 'e'),
        )
    return tmp_path


@pytest.fixture
def folder(made, tmp_path):
    """A copy that a test may change."""
    return Path(shutil.copytree(made, tmp_path / 'comparison'))


def test_differences_are_paired_by_split_and_seed(folder) -> None:
    found = figures(read_cells(folder))
    rows = found['splits']['1_16']
    assert rows['labeled-only']['mean'] == 42
    assert rows['labeled-only']['deviation'] == 2
    good = rows['good']['difference']
    # The seeds scatter by 2, the pairs by 0.1 only.
    assert good['mean'] == pytest.approx(2.1)
    assert good['deviation'] == pytest.approx(0.1)
    # Student's 97.5 % point with two degrees of freedom is 4.303.
    assert good['high'] - good['mean'] == pytest.approx(
        4.303 * 0.1 / 3**0.5, rel=1e-3
    )
    assert good['verdict'] == 'better'
    assert rows['noisy']['difference']['verdict'] == 'not separable'
    assert rows['good']['share'] == pytest.approx(44.1 / 50)
    # Over nested splits a seed is one pair, not two.
    assert found['over_splits']['good']['difference']['pairs'] == 3
    assert 'all-labels' not in rows
    # A mean over some of the splits is no mean over all.
    cells = read_cells(folder)
    some = [c for c in cells if (c['method'], c['split']) != ('good', '1_16')]
    assert 'noisy' in figures(some)['over_splits']
    assert 'good' not in figures(some)['over_splits']


def test_tables_say_what_the_figures_say(folder) -> None:
    text, _ = write_report(folder)
    split = part(text, 'mIoU of the last checkpoint').split('###')[1]
    cells = row_of(split, 'good')
    assert cells[1:5] == ['better', '44.10', '2.05', '3']
    assert cells[5].startswith('**+2.1** [+1.9, +2.3]')
    assert row_of(split, 'noisy')[1] == 'not separable'
    assert row_of(split, 'noisy')[5].startswith('+0.3 [')
    # Others are held against the best, too.
    assert row_of(split, '*labeled-only*')[6].startswith('**-2.1** [-2.3')
    assert row_of(text, '*all-labels*')[2] == '50.00'
    # The last checkpoint decides; the best is told apart, as what it is.
    assert '71' not in part(text, 'mIoU of the last checkpoint')
    assert row_of(part(text, 'Extra'), 'good')[1:] == ['44.10', '71.00']
    assert row_of(part(text, 'IoU of each class'), 'good') == [
        'good',
        '45.1',
        '43.1',
    ]
    assert row_of(part(text, 'Evaluation record'), 'good')[1:] == [
        'student',
        'whole',
        '4x4',
        '44.1',
        '22.1',
        '5.0',
        'yes',
    ]
    assert row_of(part(text, 'Pseudo-labels'), 'good')[2:] == [
        '50.0%',
        '90.0%',
    ]
    assert '- Split 1_16, against labeled-only: better: good;' in text
    assert (
        '- Split 1_16 (2 labeled images, 3 runs each): **good** has the '
        'highest mean, 44.1, **+2.1** [+1.9, +2.3] against labeled-only. Not '
        'separable from it: noisy.'
    ) in text
    assert (folder / 'comparison.png').stat().st_size > 10_000


def test_cost_is_relative_to_labeled_only(folder) -> None:
    cells = read_cells(folder)
    # 80 images learned from, three forwards' worth each, and 40 looked at.
    assert {compute(c) for c in cells if c['method'] == 'noisy'} == {280}
    assert relative_compute(cells)['good'] == pytest.approx(520 / 280)
    text = told(folder)
    assert row_of(part(text, 'Cost'), 'good')[7] == '1.86'


def test_splits_have_tables_of_their_own(folder) -> None:
    """A mean over splits would not tell which one a method lacks."""
    make_cell(folder, 'more', '1_8', 0, 47.0, best=48)
    text = told(folder)
    for title in (
        'Cost',
        'Pseudo-labels',
        'Evaluation record',
        'Extra: best checkpoint',
    ):
        _, first, second = part(text, title).split('### Split ')
        assert first.startswith('1_16\n') and second.startswith('1_8\n')
        assert '| more |' in second and '| more |' not in first
    first, second = part(text, 'Evaluation record').split('### Split ')[1:]
    assert row_of(first, 'good')[4] == '44.1'
    assert row_of(second, 'good')[4] == '47.1'
    # All labels are held against in each.
    assert row_of(first, 'all-labels') == row_of(second, 'all-labels')
    # Of one split, there is one.
    shutil.rmtree(folder / 'cells/1_8')
    assert '### Split' not in part(told(folder), 'Evaluation record')


def test_names_in_a_picture_do_not_cover_each_other() -> None:
    assert apart([0.5, 0.2], 0.1) == [0.5, 0.2]
    found = apart([0.5, 0.51, 1.0, 0.0, 0.5], 0.1)
    assert np.diff(sorted(found)).min() > 0.1 - 1e-9
    assert np.argsort(found, kind='stable').tolist() == [3, 0, 4, 1, 2]
    assert 0 <= min(found) and max(found) <= 1
    assert np.allclose(np.diff(apart([0.5] * 30)), 1 / 30)


def test_unequal_budgets_are_said(folder) -> None:
    make_cell(
        folder, 'labeled-only-as-many-images', '1_16', 0, 41.0, iterations=20
    )
    assert 'Budgets' not in told(folder)
    make_cell(folder, 'long', '1_16', 0, 60.0, iterations=20)
    assert (
        '- **Budgets are not equal**: 10 iterations: good, noisy, '
        'labeled-only, all-labels; 20 iterations: long.'
    ) in told(folder)


def test_a_leak_is_shown(folder) -> None:
    make_cell(folder, 'leaky', '1_16', 0, 70.0, opened=['masks/c.png'])
    text = told(folder)
    certificates = part(text, 'Leak certificate')
    assert row_of(certificates, 'leaky')[2] == '**no**: masks/c.png'
    assert row_of(certificates, 'good')[2:4] == ['yes', '3']


def test_odd_breaks_in_names_end_no_line(tmp_path) -> None:
    path, names = tmp_path / 'a.txt', ['a\u2028b', 'c\x0cd', 'é\x85']
    path.write_bytes(''.join(f'{name}\n' for name in names).encode())
    assert read_names(path) == names


def test_lists_are_hashed_nested_and_disjoint(folder) -> None:
    found = {
        (f['split'], f['seed']): f
        for f in list_facts(folder, read_cells(folder))
    }
    assert found['1_16', 0]['within'] == {'1_8': 1.0, 'all': 1.0}
    assert found['1_16', 0]['shared'] == 0
    # `c` is labeled in 1_8 and in its unlabeled list as well.
    assert found['1_8', 0]['shared'] == 1
    text, cells = told(folder), read_cells(folder)
    assert cells[0]['lists']['labeled']['sha256'] in text
    unlabeled = [
        line
        for line in part(text, 'Lists').splitlines()
        if 'unlabeled' in line
    ]
    assert [line.split('|')[-2].strip() for line in unlabeled[:6]] == [
        *['yes'] * 3,
        *['**no**'] * 3,
    ]


def test_failed_and_missing_cells_are_no_numbers(folder) -> None:
    make_cell(folder, 'good', '1_16', 3, None)
    make_cell(folder, 'labeled-only', '1_16', 3, 0.0)
    cut = folder / 'cells/1_8/seed0/noisy/run'
    shutil.rmtree(cut)
    text, cells = write_report(folder)
    assert row_of(text, 'good', '1_16', '3')[3] == 'the disk is full'
    assert (
        row_of(text, 'noisy', '1_8', '0')[3] == 'has not been run to its end'
    )
    assert figures(cells)['splits']['1_16']['good']['runs'] == 3
    with open(folder / 'comparison.csv') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(cells) == 23
    assert [r['miou'] for r in rows if r['state'] != 'done'] == ['', '']


def test_a_cell_that_came_to_its_end_is_done(tmp_path) -> None:
    """Also where an earlier failure was left behind."""
    cell = make_cell(tmp_path, 'good', '1_16', 0, 40.0)
    (cell / 'failed.json').write_text('{"problem": "no memory"}')
    (found,) = read_cells(tmp_path)
    assert (found['state'], found['problem']) == ('done', None)
    # Trained, but it could not be measured.
    (cell / 'measured.json').unlink()
    (found,) = read_cells(tmp_path)
    assert (found['state'], found['problem']) == ('failed', 'no memory')


def test_one_pair_says_nothing(tmp_path) -> None:
    make_cell(tmp_path, 'labeled-only', '1_16', 0, 40.0)
    make_cell(tmp_path, 'good', '1_16', 0, 49.0)
    row = figures(read_cells(tmp_path))['splits']['1_16']['good']
    assert row['difference']['verdict'] == 'one pair, not separable'
    assert row['difference']['low'] is None
    text = told(tmp_path)
    assert 'One run each separates nothing: give more seeds' in text
    assert row_of(text, 'good')[5] == '+9.0'  # not bold


def test_methods_of_other_seeds_are_held_against_nothing(tmp_path) -> None:
    """Nobody is said to be behind without a pair of runs."""
    for seed in range(3):
        value = 46.0 + seed
        make_cell(tmp_path, 'good', '1_16', seed, value)
        make_cell(tmp_path, 'bad', '1_16', seed, value - 3)
    assert 'It is separable from all others.' in told(tmp_path)
    make_cell(tmp_path, 'new', '1_16', 7, 45.5)
    text = told(tmp_path)
    assert 'separable from all others that have runs of the same' in text


def test_a_small_labeled_batch_is_told_from_unlabeled_images(tmp_path) -> None:
    """Worse than labeled-only, better than it with as small a batch."""
    for seed in range(3):
        noise = (0.1, 0.0, -0.1)[seed]
        for name, value, batch in (
            ('labeled-only', 46.0, 8),
            ('labeled-only-as-many-labels', 41.0, 4),
            ('labeled-only-as-many-images', 46.5, 8),
            ('good', 43.0 + noise, 4),
        ):
            make_cell(tmp_path, name, '1_16', seed, value, labeled_batch=batch)
    text = told(tmp_path)
    assert '- Split 1_16, against labeled-only: worse: good.' in text
    assert (
        '- Split 1_16, against labeled-only-as-many-labels: better: good.'
    ) in text
    assert (
        'the baseline **labeled-only-as-many-images** has the highest mean, '
        '46.5; the best of the methods is **good**, 43.0, **-3.0** ['
    ) in text
    assert (
        '(methods have 4 labeled images in a batch, beside others): '
        '*labeled-only*: as many iterations, 8 labeled images in a batch'
    ) in text
    cells = row_of(text, 'good')
    assert cells[5].startswith('**-3.0** [')
    assert cells[6].startswith('**+2.0** [')
    assert cells[7].startswith('**-3.5** [')
    (heads,) = {line for line in text.splitlines() if 'minus the' in line}
    assert [head.strip() for head in heads.split('|')[6:10]] == [
        'minus labeled-only',
        'minus as-many-labels',
        'minus as-many-images',
        'minus the best',
    ]


def test_without_baselines_there_are_no_empty_columns(tmp_path) -> None:
    for seed in range(2):
        make_cell(tmp_path, 'good', '1_16', seed, 43.0 + seed)
        make_cell(tmp_path, 'other', '1_16', seed, 40.0 + 2 * seed)
    make_cell(tmp_path, 'third', '1_16', 0, None)
    text = told(tmp_path)
    assert 'these differ from good in more than the method: other' in text
    assert 'Settings in which each method leaves good, ' in text
    assert row_of(text, 'method', 'mean') == [
        'method',
        'mean',
        'deviation of runs',
        'runs',
        'minus the best',
    ]
    assert row_of(text, 'other')[1:4] == ['41.00', '1.41', '2']


def test_what_is_unequal_beside_the_method_is_said(tmp_path) -> None:
    for name, network in (('labeled-only', 'A'), ('same', 'A'), ('odd', 'B')):
        folder = make_cell(tmp_path, name, '1_16', 0, 40.0)
        head = dict(loss_decode=dict(mode='b' if name == 'odd' else 'a'))
        (folder / 'camvid.py').write_text(
            f"model = dict(type='M', student=dict(type='{network}', "
            f'decode_head={head}))\n'
            f'optim_wrapper = dict(lr={0.1 if name == "odd" else 0.2})\n'
        )
    text = told(tmp_path)
    assert (
        '**Not all else is equal**: these differ from labeled-only in more '
        'than the method: odd (loss of '
        'labeled images, network, optimizer).'
    ) in text
    # Rounds keep the loss of labeled images in their objective.
    plain = dict(decode_head=dict(channels=3, loss_decode=dict(type='CE')))
    rounds = dict(
        student=dict(decode_head=dict(channels=3)),
        objective=dict(gamma=1, criterion=dict(type='CE')),
    )
    assert changes(
        shared_names(dict(model=plain)), shared_names(dict(model=rounds))
    ) == ['+ method.objective.gamma = 1']


def test_versions_that_differ_are_all_told(tmp_path) -> None:
    """Figures of two versions stand beside each other else unnoticed."""
    for seed, version in enumerate(('2.12', '2.13', '2.13')):
        run = make_cell(tmp_path, 'good', '1_16', seed, 30.0) / 'run'
        facts = json.loads((run / 'summary.json').read_text())
        facts['versions'] = dict(torch=version)
        (run / 'summary.json').write_text(json.dumps(facts))
    text, _ = write_report(tmp_path)
    assert 'torch 2.12 (1 run); torch 2.13 (2 runs).' in text


def test_who_is_not_separable_from_a_baseline_is_said(tmp_path) -> None:
    """The best of the methods is named before; nobody takes it for that."""
    for seed, noise in enumerate((-5, 5)):
        make_cell(tmp_path, 'labeled-only', '1_16', seed, 45.0)
        make_cell(tmp_path, 'good', '1_16', seed, 44.0 + noise)
    assert '. Not separable from labeled-only: good.' in told(tmp_path)


def test_a_damaged_cell_is_named(tmp_path) -> None:
    place = make_cell(tmp_path, 'good', '1_16', 0, 30.0) / 'cell.json'
    place.write_text('{"meth')
    with pytest.raises(UsageError, match=f'{place} cannot be read'):
        read_cells(tmp_path)


def test_the_report_needs_the_folders_alone(folder, tmp_path) -> None:
    moved = tmp_path / 'elsewhere'
    moved.mkdir()
    for name in ('cells', 'lists'):
        (folder / name).rename(moved / name)
    tables = compare((), report_only=str(moved))
    assert '| good' in tables and tables.exit_code == 0
    content = json.loads((moved / 'comparison.json').read_text())
    assert content['changes']['good'] == ['network.name: labeled-only -> good']
    make_cell(moved, 'bad', '1_16', 0, None)
    assert compare((), report_only=str(moved)).exit_code == 1


def test_trials_are_told_and_left_out_of_means(folder) -> None:
    for number, value in enumerate((30.0, 55.0, None)):
        make_cell(
            folder,
            'good',
            '1_16',
            100,
            value,
            setting=number,
            options={'model.tau': number},
        )
    cells = read_cells(folder)
    assert figures(cells)['splits']['1_16']['good']['mean'] == 44.1
    assert chosen(cells) == {'good': {'model.tau': 1}}
    tried = part(told(folder), 'Tuning')
    assert 'Settings tried: good 3, labeled-only none.' in tried
    assert 'on the images that all results are measured on' in tried
    assert row_of(tried, 'good', '`model.tau=1`')[2:] == [
        '1_16',
        '100',
        '55.00',
    ]


def test_trials_of_an_earlier_grid_are_told_and_not_chosen(folder) -> None:
    """The best and a failed one; another method's stay as they are."""
    for number, value in enumerate((30.0, 40.0, 55.0, None)):
        options = {'model.tau': number}
        make_cell(
            *(folder, 'good', '1_16', 100, value),
            setting=number,
            options=options,
        )
    other = make_cell(folder, 'bad', '1_16', 100, 20.0, setting=7)
    first = folder / 'cells/1_16/seed100/setting0/good'
    note_grid(folder, ['good'], [first, Path(str(first).replace('g0', 'g1'))])
    assert 'superseded' not in read_json(other / 'cell.json')
    text = told(folder)
    tried = part(text, 'Tuning')
    assert 'good 2' in tried and '2 settings of an earlier grid' in tried
    assert row_of(tried, 'good', '`model.tau=2` (of an earlier grid)')
    assert 'Cells without a result' not in text
    assert compare((), report_only=str(folder)).exit_code == 0


def test_a_method_whose_trials_all_failed_stops_with_a_sentence(
    tmp_path,
) -> None:
    make_cell(tmp_path, 'good', '1_16', 100, None, setting=0)
    with pytest.raises(UsageError, match='none of its 1 settings came'):
        chosen(read_cells(tmp_path))


def test_a_trial_that_is_not_over_is_waited_for(tmp_path) -> None:
    """By the next command: a failure counts as tried, a run elsewhere not."""
    for number, value in enumerate((30.0, None, 40.0)):
        options = {'model.tau': number}
        cell = make_cell(
            *(tmp_path, 'good', '1_16', 100, value),
            setting=number,
            options=options,
        )
    assert chosen(read_cells(tmp_path)) == {'good': {'model.tau': 2}}
    shutil.rmtree(cell / 'run')
    with pytest.raises(UsageError, match='good: setting 2 is not over yet'):
        chosen(read_cells(tmp_path))


def test_grids_are_equal_for_all(tmp_path) -> None:
    path = tmp_path / 'grid.json'
    grid = {'a': {'x': [1, 2], 'y': [3, 4]}, 'b': {'z': [1, 2, 3, 4]}}
    path.write_text(json.dumps(dict(seed=9, split='s', grid=grid)))
    found = read_grid(str(path), ['a', 'b'])
    assert (found.seed, found.split) == (9, 's')
    assert found.settings['a'][1] == {'x': 1, 'y': 4}
    assert len(found.settings['b']) == 4
    with pytest.raises(UsageError, match='c is none|c 1'):
        read_grid(str(path), ['a', 'b', 'c'])
    with pytest.raises(UsageError, match='b is none of the methods'):
        read_grid(str(path), ['a'])
    for values, fits in (([1, 2], False), ([1, 2, 3, 4], True)):
        more = {**grid, 'labeled-only': {'x': values}}
        path.write_text(json.dumps(dict(seed=9, split='s', grid=more)))
        if not fits:
            with pytest.raises(UsageError, match='labeled-only 2. Give every'):
                read_grid(str(path), ['a', 'b'])
    assert len(read_grid(str(path), ['a', 'b']).settings) == 3
    with pytest.raises(UsageError, match='labeled-only is none of the'):
        read_grid(str(path), ['a', 'b'], baselines=False)
    for text in (
        *('{', '[]', '{"seed": 1}', '{"seed": 1, "grid": {"a": 3}}'),
        *('{"seed": 1, "grid": {}}', '{"seed": -1, "grid": {"a": {}}}'),
        '{"seed": true, "grid": {"a": {}}}',
        '{"seed": 1, "split": 3, "grid": {"a": {}}}',
        '{"seed": 1, "splits": "s", "grid": {"a": {}}}',
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match='Correct the file'):
            read_grid(str(path), ['a'])


def test_a_page_lists_the_reports_beside_it(made, folder, tmp_path) -> None:
    page = tmp_path / 'docs/results.md'
    page.parent.mkdir()
    page.write_text(f'# Ours\n\n{BEGIN}\nold\n{END}\n\nby hand\n')
    compare((), report_only=str(folder), publish=str(page))
    place = tmp_path / 'docs/comparisons/comparison'
    assert {path.name for path in place.iterdir()} == {
        f'comparison.{kind}' for kind in ('md', 'csv', 'json', 'png')
    }
    text = page.read_text()
    assert text.startswith('# Ours\n') and text.endswith('\n\nby hand\n')
    assert 'old' not in text and '### comparison\n' in text
    assert row_of(text, 'good')[1:5] == ['better', '44.10', '2.05', '3']
    assert row_of(text, '*all-labels*')[2] == '50.00'
    assert 'seed 0, 1, 2, iterations 10' in text
    assert '(comparisons/comparison/comparison.md)' in text
    assert str(tmp_path) not in (place / 'comparison.csv').read_text()
    # Again, with one more run and with notes; others join.
    make_cell(folder, 'more', '1_16', 0, 60.0)
    (place / 'README.md').write_text('notes')
    compare((), report_only=str(folder), publish=str(page))
    assert row_of(page.read_text(), 'more')[2] == '60.00'
    assert '(comparisons/comparison/README.md)' in page.read_text()
    other = tmp_path / 'other'
    shutil.copytree(made, other)
    compare((), report_only=str(other), publish=str(page))
    assert '### comparison\n' in page.read_text()
    assert '### other\n' in page.read_text()


def test_nothing_published_is_lost(folder, tmp_path) -> None:
    page = tmp_path / 'page.md'
    compare((), report_only=str(folder), publish=str(page))
    before = page.read_text()
    other = tmp_path / 'another/comparison'
    make_cell(other, 'good', '1_16', 0, 42.0)
    with pytest.raises(
        UsageError, match='such as good, 1_16, seed 1, .* has not'
    ):
        compare((), report_only=str(other), publish=str(page))
    assert page.read_text() == before
    page.write_text('# A page of somebody')
    with pytest.raises(UsageError, match='no place for comparisons'):
        compare((), report_only=str(folder), publish=str(page))
    with pytest.raises(UsageError, match='is a folder'):
        compare((), report_only=str(folder), publish=str(tmp_path))
    assert page.read_text() == '# A page of somebody'


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(labeled=('x', 'y')), 'other labeled images'),
        (dict(iterations=20), '10 iterations, and 20 now'),
        (
            dict(evaluation=dict(resolution='8x8')),
            'resolution 4x4, and 8x8 now',
        ),
        (dict(miou=41.0), 'mIoU 40.0, and 41.0 now'),
        (dict(miou=None), 'mIoU 40.0, and none now'),
    ],
)
def test_a_published_report_of_another_comparison_stays(
    tmp_path, changes, words
) -> None:
    """Folders of one name: the same methods, splits and seeds."""
    page, published = tmp_path / 'page.md', tmp_path / 'comparisons/camvid'
    first, second = (tmp_path / k / 'camvid' for k in ('a', 'b'))
    make_cell(first, 'good', '1_16', 0, 40.0)
    make_cell(first, 'good', '1_16', 1, None)
    compare((), report_only=str(first), publish=str(page))
    # The same comparison, elsewhere and further.
    shutil.copytree(first, second)
    make_cell(second, 'good', '1_16', 1, 43.0)
    compare((), report_only=str(second), publish=str(page))
    before = {p: p.read_bytes() for p in (page, *published.iterdir())}
    shutil.rmtree(second)
    make_cell(second, 'good', '1_16', 0, **{'miou': 40.0, **changes})
    make_cell(second, 'good', '1_16', 1, 43.0)
    with pytest.raises(UsageError) as refused:
        compare((), report_only=str(second), publish=str(page))
    told = str(refused.value)
    assert told.startswith(f'--publish {page}: ') and str(second) in told
    assert f'another camvid is published with {words}' in told
    assert f'move {published} away' in told
    assert {p: p.read_bytes() for p in before} == before


def test_what_a_damaged_published_report_was_of_is_unknown(tmp_path) -> None:
    page, folder = tmp_path / 'page.md', tmp_path / 'runs/camvid'
    make_cell(folder, 'good', '1_16', 0, 40.0)
    compare((), report_only=str(folder), publish=str(page))
    published = tmp_path / 'comparisons/camvid/comparison.json'
    for text in ('{', '{"cells": [3]}', '{"cells": [{}]}'):
        published.write_text(text)
        with pytest.raises(UsageError, match='comparison.json cannot be read'):
            compare((), report_only=str(folder), publish=str(page))
        assert published.read_text() == text
    published.unlink()
    with pytest.raises(UsageError, match='comparison.json cannot be read'):
        compare((), report_only=str(folder), publish=str(page))


@pytest.mark.parametrize(
    'arguments, words',
    [
        (dict(methods=[]), 'name the configs'),
        (dict(methods=['a.py']), '--out is missing'),
        (dict(methods=['a.py'], out='d', seeds=(1, 1)), '--seeds must be'),
        (dict(methods=['a.py'], out='d', seeds=(-1,)), 'from 0 to .* got -1'),
        (dict(methods=['a.py'], out='d', iterations=0), '--iterations must'),
        (dict(methods=['a.py'], out='d', jobs=0), '--jobs must be'),
        (
            dict(methods=['a.py'], out='d', splits=('x/1_8', 'y/1_8')),
            'two of them would be called 1_8',
        ),
        (
            dict(methods=['a.py'], out='d', splits=('all',)),
            '--splits all: all',
        ),
        (
            dict(
                methods=['a'], report_only='d', seeds=(1,), no_baselines=True
            ),
            'takes nothing but --publish.* out a, --seeds, --no-baselines$',
        ),
        (dict(methods=[], report_only='d', jobs=2), 'Leave out --jobs$'),
        (
            dict(methods=[], report_only='d', settings={'a': 1}, tune='g'),
            'Leave out --set, --tune$',
        ),
        (dict(methods=[], report_only='nowhere'), 'holds no cells'),
    ],
)
def test_arguments_that_make_no_comparison(arguments, words) -> None:
    with pytest.raises(UsageError, match=words):
        compare(**arguments)


def test_the_highest_mean_of_fewer_runs_is_said(tmp_path) -> None:
    """It is not the best, and nothing is better than `the highest`."""
    for seed in range(3):
        make_cell(tmp_path, 'whole', '1_16', seed, 50.0 + 0.1 * seed)
        value = 55.0 if seed < 2 else None
        make_cell(tmp_path, 'part', '1_16', seed, value)
    text = told(tmp_path)
    assert '**whole** has the highest mean of those with 3 runs, 50.1' in text
    assert 'Not separable from it' not in text
    assert 'Higher, with fewer runs: part (55.0, 2 runs)' in text


def test_splits_count_together_where_all_runs_are_there(folder) -> None:
    """Not against a baseline on other splits, nor with half a seed."""
    for number in range(2):  # a split that settings were tried on alone
        make_cell(folder, 'good', '1_32', 100, 30.0, setting=number)
    cells = read_cells(folder)
    found = figures(cells)
    assert list(found['splits']) == ['1_16', '1_8']
    assert found['over_splits']['good']['mean'] == pytest.approx(45.6)
    left = [
        c
        for c in cells
        if (c['method'], c['split']) != ('labeled-only', '1_8')
        and (c['method'], c['split'], c['seed']) != ('good', '1_8', 2)
    ]
    over = figures(left)['over_splits']
    assert over['noisy']['difference'] is None
    assert over['good']['runs'] == 4
    assert list(over['good']['values']) == [
        f'{split} seed {seed}' for split in ('1_16', '1_8') for seed in (0, 1)
    ]
    # One seed on the one split and one on the other are no mean over both.
    left = [
        c
        for c in left
        if c['method'] != 'good' or (c['split'] == '1_8') == (c['seed'] == 0)
    ]
    assert 'good' not in figures(left)['over_splits']


def test_what_is_not_tried_again_is_not_awaited(folder) -> None:
    cell = make_cell(folder, 'good', '1_16', 100, None, setting=3)
    assert '**Not finished**: 21 of 22 runs' in told(folder)
    content = read_json(cell / 'cell.json')
    write_json(cell, 'cell.json', dict(content, superseded=True))
    assert '**Not finished**' not in told(folder)


def test_names_that_folders_of_cells_have(tmp_path) -> None:
    for split in ('run', 'seed0'):
        for method in ('run', 'cells'):
            make_cell(tmp_path, method, split, 0, 40.0)
    (tmp_path / 'cells/run/seed0/cells/run/cell.json').write_text('{}')
    found = {(c['split'], c['method']) for c in read_cells(tmp_path)}
    assert len(found) == 4


def test_a_report_waits_for_that_of_another_command(tmp_path) -> None:
    """Which writes the same files."""
    make_cell(tmp_path, 'good', '1_16', 0, None)
    held = FolderLock(tmp_path)
    threading.Timer(0.5, held.release).start()
    start = time.monotonic()
    assert compare((), report_only=str(tmp_path)).exit_code == 1
    assert time.monotonic() - start > 0.4


def test_nothing_is_drawn_of_no_result(tmp_path) -> None:
    make_cell(tmp_path / 'made', 'good', '1_16', 0, None)
    page = tmp_path / 'results.md'
    compare((), report_only=str(tmp_path / 'made'), publish=str(page))
    place = tmp_path / 'comparisons/made'
    assert 'comparison.png' not in (place / 'comparison.md').read_text()
    assert sorted(path.suffix for path in place.iterdir()) == [
        *('.csv', '.json', '.md')
    ]
    assert '### made' in page.read_text()


def test_a_run_that_was_not_counted_costs_not_nothing(folder) -> None:
    (folder / 'cells/1_16/seed0/good/run/forwards.json').unlink()
    text = told(folder)
    assert row_of(part(text, 'Cost'), 'good')[4:6] == ['160', '40']
    with open(folder / 'comparison.csv', 'w') as file:
        file.write(csv_text(read_cells(folder)))
    with open(folder / 'comparison.csv') as file:
        (row,) = (
            r
            for r in csv.DictReader(file)
            if (r['method'], r['split'], r['seed']) == ('good', '1_16', '0')
        )
    assert row['images_learning'] == row['compute'] == ''
