"""A whole comparison but for its trainings, which are made up."""

import hashlib
import json
import re
import shutil
import sys
import threading
import time

import pytest

from mmsemi.apis import compare, compare_lock
from mmsemi.apis.compare import plan
from mmsemi.apis.compare_baselines import baselines
from mmsemi.apis.compare_cells import split_label
from mmsemi.apis.compare_methods import read_methods
from mmsemi.apis.compare_writing import check_planned, write_cell
from mmsemi.io.files import read_json, write_json
from mmsemi.io.lock import FolderLock
from mmsemi.utils.errors import UsageError
from tests.compare.tiny_facts import write_configs
from tests.conftest import ROOT

METHODS = ('mean_teacher', 'rounds')


class MadeUp:
    """Stands for the runner of cells: results follow from the settings."""

    seen: list = []
    failures = 0

    def __init__(self, jobs, check):
        pass

    def run(self, cells):
        for cell in cells:
            self.seen.append(cell)
            threshold = cell.cfg.model.get('pseudo_labeler', {}).get(
                'threshold', 0.1
            )
            write_json(
                cell.run,
                'summary.json',
                dict(finished=True, last_miou=40 + 10 * threshold, rounds=[]),
            )
            write_json(cell.run, 'run.json', dict(finished=True))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_configs(tmp_path_factory.mktemp('plan'))


@pytest.fixture
def run(folder, tmp_path, monkeypatch):
    module = sys.modules['mmsemi.apis.compare']
    monkeypatch.setattr(module, 'CellRunner', MadeUp)
    monkeypatch.setattr(MadeUp, 'seen', [])

    def call(*methods, name='tiny', **arguments):
        configs = [str(folder / m / f'{name}.py') for m in methods or METHODS]
        compare(configs, str(tmp_path), **arguments)
        return tmp_path

    return call


def told(out):
    return json.loads((out / 'comparison.json').read_text())


def test_each_method_split_and_seed_is_a_cell(run, folder) -> None:
    out = run(seeds=(0, 1), iterations=8)
    cells = told(out)['cells']
    assert len(cells) == 2 * 7 == len(MadeUp.seen)
    seeds = {(c.method.name, c.cfg.randomness.seed) for c in MadeUp.seen}
    assert len(seeds) == 14
    # Of all labels: 6 + 9 images, and the same image is in one list only.
    (everything,) = {
        tuple(c.lists['labeled'])
        for c in MadeUp.seen
        if c.method.name == 'all-labels'
    }
    assert len(set(everything)) == len(everything) == 15
    manifest = told(out)['manifest']
    assert len(manifest['cells']) == 14
    assert all(
        re.fullmatch('[0-9a-f]{64}', h) for h in manifest['cells'].values()
    )
    (command,) = manifest['commands']
    assert command['command'].endswith(
        f'--seeds 0 1 --iterations 8 --out {out.name}'
    )


@pytest.mark.parametrize('suffix', ['', '_left.png'])
def test_all_labels_are_listed_as_the_data_set_names_them(
    tmp_path, suffix
) -> None:
    folder = write_configs(tmp_path)
    config = folder / 'plain/tiny.py'
    text = config.read_text().replace(
        "'img_suffix': '.png'",
        f"'img_suffix': {suffix!r}, 'seg_map_suffix': '.png'",
    )
    config.write_text(text)
    if suffix:
        for image in (folder / 'data/images').iterdir():
            image.rename(image.with_name(f'{image.stem}{suffix}'))
    else:  # lists name files with their endings
        lists = [*folder.glob('splits/tiny/*.txt'), folder / 'data/val.txt']
        for names in lists:
            lines = names.read_text().split()
            names.write_text(''.join(f'{line}.png\n' for line in lines))
    rows = read_methods([str(config)])
    cells = plan(folder / 'out', baselines(rows, None), (), (0,), {})
    everything = cells[-1]
    assert everything.method.name == 'all-labels'
    for name in everything.lists['labeled']:
        assert (folder / 'data/images' / name).is_file()


def test_a_report_names_no_place_of_the_machine(run, folder) -> None:
    out = run(no_baselines=True, splits=(f'{folder}/splits/tiny',))
    # Beside the runs the command stands as it was typed.
    assert str(out) in (out / 'manifest.json').read_text()
    for kind in ('md', 'csv', 'json'):
        text = (out / f'comparison.{kind}').read_text()
        assert str(out.parent) not in text and str(folder) not in text
        assert str(ROOT) not in text
    (cell, _) = told(out)['cells']
    assert f'{out.name}/cells/tiny/seed0' in cell['command']
    assert cell['lists']['labeled']['sources'] == ['.../labeled.txt']


def test_no_cell_opens_masks_to_report(run) -> None:
    out = run(no_baselines=True)
    for cell in MadeUp.seen:
        kinds = [hook['type'] for hook in cell.cfg.custom_hooks]
        assert kinds[-2:] == ['MaskWatchHook', 'ForwardCountHook']
        for hook in cell.cfg.custom_hooks:
            assert hook['type'] != 'PseudoLabelHook' or hook['audit'] is False
        # The config in the cell is the one that is run.
        text = cell.config.read_text()
        assert 'MaskWatchHook' in text and '_base_' not in text
    assert (out / 'comparison.md').is_file()


def test_a_changed_setting_is_refused_before_anything_runs(run) -> None:
    run(no_baselines=True)
    number = len(MadeUp.seen)
    with pytest.raises(UsageError, match='another optim_wrapper.optimizer.lr'):
        run(no_baselines=True, settings={'optim_wrapper.optimizer.lr': 0.7})
    assert len(MadeUp.seen) == number


def test_another_command_that_plans_is_waited_for(
    run, tmp_path, monkeypatch, capsys
) -> None:
    """Nothing is planned while it may still change what is there."""
    monkeypatch.setattr(compare_lock, 'TOLD_AFTER', 0.1)
    held = FolderLock(tmp_path)
    seen = []

    def release():
        seen.extend(path.name for path in tmp_path.iterdir())
        held.release()

    threading.Timer(1, release).start()
    run(no_baselines=True)
    assert seen == ['.run.lock']
    assert f'waiting for another command that uses {tmp_path}' in (
        capsys.readouterr().out
    )


def test_two_commands_plan_one_folder_one_after_the_other(
    run, monkeypatch
) -> None:
    """What one has planned the other finds as a whole."""
    now, most = [], []
    plain = sys.modules['mmsemi.apis.compare'].write_cell

    def slowly(cell):
        now.append(threading.get_ident())
        most.append(len(set(now)))
        time.sleep(0.1)
        plain(cell)
        now.pop()

    monkeypatch.setattr(
        sys.modules['mmsemi.apis.compare'], 'write_cell', slowly
    )
    both = [
        threading.Thread(
            target=run,
            args=(name,),
            kwargs=dict(seeds=(0, 1), no_baselines=True),
        )
        for name in METHODS
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(most) == 4 and max(most) == 1


def test_what_another_command_planned_otherwise_is_not_run(
    run, folder, tmp_path
) -> None:
    """While a cell waits for its turn nothing of it is there to be kept."""
    splits = [tmp_path / f'{k}/half' for k in ('a', 'b')]
    for split in splits:
        shutil.copytree(folder / 'splits/tiny', split)
    names = (splits[1] / 'unlabeled.txt').read_text().split()
    (splits[1] / 'unlabeled.txt').write_text('\n'.join(names[1:]) + '\n')
    (method,) = read_methods([str(folder / 'mean_teacher/tiny.py')])
    other = read_methods(
        [str(folder / 'mean_teacher/tiny.py')],
        {'optim_wrapper.optimizer.lr': 0.7},
    )
    out = tmp_path / 'out'

    def planned(methods, split):
        (cell,) = plan(out, methods, [str(split)], (0,), {})
        write_cell(cell)
        return cell

    cell = planned([method], splits[0])
    check_planned(cell)
    again = planned([method], splits[0])
    check_planned(cell), check_planned(again)
    another = planned(other, splits[0])
    check_planned(another)
    with pytest.raises(UsageError, match='another optim_wrapper.optimizer.lr'):
        check_planned(cell)
    planned([method], splits[1])
    with pytest.raises(UsageError, match='another list of unlabeled'):
        check_planned(cell)


def test_more_seeds_join_what_is_there(run) -> None:
    run(no_baselines=True, seeds=(0,))
    out = run(no_baselines=True, seeds=(0, 1))
    assert len(told(out)['cells']) == 4
    assert len(told(out)['manifest']['commands']) == 2


def test_what_cannot_be_published_is_said_before_anything_runs(
    run, tmp_path
) -> None:
    out, page = tmp_path, tmp_path / 'page.md'
    arguments = dict(no_baselines=True, publish=str(page))
    run(**arguments)
    run(seeds=(0, 1), **arguments)  # more of the same
    number = len(MadeUp.seen)
    shutil.rmtree(out / 'cells')
    with pytest.raises(UsageError, match='with 8 iterations, and 12 now'):
        run(iterations=12, **arguments)
    assert len(MadeUp.seen) == number


def test_tuning_takes_the_best_setting_and_leaves_its_seed_out(
    run, tmp_path
) -> None:
    grid = {
        'mean_teacher': {'model.pseudo_labeler.threshold': [0.3, 0.9, 0.5]},
        'rounds': {'optim_wrapper.optimizer.lr': [0.1, 0.2, 0.3]},
    }
    path = tmp_path / 'grid.json'
    path.write_text(json.dumps(dict(seed=1, split='tiny', grid=grid)))
    out = run(seeds=(0, 1, 2), tune=str(path), no_baselines=True)
    tried = [c for c in MadeUp.seen if c.setting is not None]
    counted = [c for c in MadeUp.seen if c.setting is None]
    assert [c.seed for c in tried] == [1] * 6
    assert {(c.method.name, c.seed) for c in counted} == {
        (name, seed) for name in METHODS for seed in (0, 2)
    }
    assert {
        c.cfg.model.pseudo_labeler.threshold
        for c in counted
        if c.method.name == 'mean_teacher'
    } == {0.9}
    rows = told(out)['figures']['splits']['tiny']
    assert rows['mean_teacher']['mean'] == pytest.approx(49)
    assert rows['mean_teacher']['runs'] == 2


def test_what_is_chosen_for_labeled_only_holds_for_all_baselines(
    run, tmp_path
) -> None:
    """Or the others would be tuned less than the methods."""
    rate, head = 'optim_wrapper.optimizer.lr', 'model.decode_head.channels'
    grid = {
        'labeled-only': {rate: [0.7], head: [6], 'data.batch.alone': [6]},
        'mean_teacher': {rate: [0.3]},
    }
    path = tmp_path / 'grid.json'
    path.write_text(json.dumps(dict(seed=1, split='tiny', grid=grid)))
    run('mean_teacher', seeds=(0, 1), tune=str(path))
    cells = {c.method.name: c.cfg for c in MadeUp.seen if c.setting is None}
    plain = {name for name in cells if name != 'mean_teacher'}
    assert plain == {
        *('labeled-only', 'labeled-only-as-many-images', 'averaged-teacher'),
        *('labeled-only-as-many-labels', 'all-labels'),
    }
    for name in plain:
        cfg = cells[name]
        network = cfg.model.get('student', cfg.model)
        assert cfg.optim_wrapper.optimizer.lr == 0.7
        assert network.decode_head.channels == 6
        # Equal budgets stay equal.
        kept = {
            'labeled-only-as-many-images': 4,
            'labeled-only-as-many-labels': 2,
        }
        assert cfg.train_dataloader.batch_size == kept.get(name, 6)
    assert cells['mean_teacher'].optim_wrapper.optimizer.lr == 0.3


def test_the_manifest_knows_the_configs_of_all_runs(run, tmp_path) -> None:
    """Those that tuning has chosen, and those of earlier commands."""
    run('plain', no_baselines=True)
    grid = {'mean_teacher': {'model.pseudo_labeler.threshold': [0.3, 0.9]}}
    path = tmp_path / 'grid.json'
    path.write_text(json.dumps(dict(seed=1, split='tiny', grid=grid)))
    held = FolderLock(tmp_path)  # by another command, for a moment
    timer = threading.Timer(0.5, held.release)
    timer.start()
    out = run('mean_teacher', tune=str(path), no_baselines=True)
    manifest = told(out)['manifest']
    assert set(manifest['methods']) == {'plain', 'mean_teacher'}
    assert len(manifest['commands']) == 2
    assert {out / place for place in manifest['cells']} == {
        cell.folder for cell in MadeUp.seen
    }
    for place, digest in manifest['cells'].items():
        content = (out / place / 'tiny.py').read_bytes()
        assert digest == hashlib.sha256(content).hexdigest()


def test_trials_of_another_grid_choose_nothing(run, tmp_path) -> None:
    path = tmp_path / 'grid.json'

    def tune(*thresholds):
        grid = {
            'mean_teacher': {'model.pseudo_labeler.threshold': thresholds},
            'rounds': {'optim_wrapper.optimizer.lr': thresholds},
        }
        path.write_text(json.dumps(dict(seed=1, split='tiny', grid=grid)))
        return run(seeds=(1, 2), tune=str(path), no_baselines=True)

    tune(0.3, 0.9)
    # Of the first command, seed 2 has been run with the best of its settings.
    shutil.rmtree(tmp_path / 'cells/tiny/seed2')
    out = tune(0.3)
    last = [c for c in MadeUp.seen if c.setting is None][-2]
    assert last.cfg.model.pseudo_labeler.threshold == 0.3
    # Lists of the seed that was tuned on are known to be disjoint.
    lists = [f for f in told(out)['lists'] if f['seed'] == 1]
    assert [f['known'] for f in lists] == [True]


def test_a_seed_that_settings_are_chosen_on_has_no_mean(run, tmp_path) -> None:
    """Not by an earlier command either."""
    run(seeds=(0, 1), no_baselines=True)
    grid = {
        'mean_teacher': {'model.pseudo_labeler.threshold': [0.95]},
        'rounds': {'optim_wrapper.optimizer.lr': [0.1]},
    }
    path = tmp_path / 'grid.json'
    path.write_text(json.dumps(dict(seed=0, split='tiny', grid=grid)))
    with pytest.raises(UsageError, match='names no other'):
        run(seeds=(0,), tune=str(path))
    out = run(seeds=(0, 2), tune=str(path), no_baselines=True)
    values = told(out)['figures']['splits']['tiny']['rounds']['values']
    assert list(values) == ['tiny seed 1', 'tiny seed 2']


def test_a_smaller_grid_chooses_of_its_own_settings(run, tmp_path) -> None:
    path = tmp_path / 'grid.json'

    def tune(seed, *thresholds):
        grid = {'mean_teacher': {'model.pseudo_labeler.threshold': thresholds}}
        path.write_text(json.dumps(dict(seed=1, split='tiny', grid=grid)))
        arguments = dict(seeds=(seed,), tune=str(path), no_baselines=True)
        out = run('mean_teacher', **arguments)
        taken = MadeUp.seen[-1].cfg.model.pseudo_labeler.threshold
        return taken, [c for c in told(out)['cells'] if c.get('superseded')]

    assert tune(0, 0.3, 0.5, 0.9) == (0.9, [])
    taken, (earlier,) = tune(2, 0.3, 0.5)
    assert taken == 0.5 and earlier['setting'] == 2
    assert tune(3, 0.3, 0.5, 0.9) == (0.9, [])


def test_methods_on_different_images_are_no_comparison(run, folder) -> None:
    other = folder / 'other/tiny.py'
    other.parent.mkdir(exist_ok=True)
    text = (folder / 'plain/tiny.py').read_text()
    assert 'val.txt' in text
    other.write_text(text.replace('val.txt', 'unlabeled.txt'))
    with pytest.raises(UsageError, match='have different val images'):
        run('mean_teacher', 'other', no_baselines=True)
    assert not MadeUp.seen


@pytest.mark.parametrize(
    'settings, words',
    [
        ({'modle.x': [1, 2]}, '--tune modle.x=1 would change nothing'),
        ({'model.type.x': [1]}, '--tune model.type.x=1'),
        (
            {'model.student.decode_head.num_classes': [7]},
            '--tune model.student.decode_head.num_classes=7 contradicts',
        ),
        (
            {'train_cfg.max_iters': [8, 16]},
            'length of mean_teacher, 8 iterations, into 16',
        ),
        (
            {'model.pseudo_labeler.threshold': [0.3, 0.5, 0.3]},
            'settings 0 and 2 of mean_teacher are the same',
        ),
        (
            {'randomness.seed': [4, 5]},
            'settings 0 and 1 of mean_teacher are the same',
        ),
    ],
)
def test_settings_to_try_are_looked_at_as_others_are(
    run, tmp_path, settings, words
) -> None:
    """Before anything runs; of equal settings nothing would be chosen."""
    path = tmp_path / 'grid.json'
    grid = {'mean_teacher': settings}
    path.write_text(json.dumps(dict(seed=1, split='tiny', grid=grid)))
    with pytest.raises(UsageError, match=words):
        run('mean_teacher', tune=str(path), no_baselines=True)
    assert not MadeUp.seen


def test_what_a_setting_draws_is_in_the_record(run, tmp_path) -> None:
    path = tmp_path / 'grid.json'
    grid = {'mean_teacher': {'data.batch.unlabeled': [2]}}
    path.write_text(json.dumps(dict(seed=1, split='tiny', grid=grid)))
    out = run('mean_teacher', tune=str(path), no_baselines=True)
    assert {c['images_drawn'] for c in told(out)['cells']} == {8 * (2 + 2)}


def test_a_folder_without_lists_is_no_split(run, tmp_path) -> None:
    with pytest.raises(UsageError, match=r'labeled\.txt'):
        run('mean_teacher', splits=[str(tmp_path)], no_baselines=True)


@pytest.mark.parametrize('below', ['file', 'link'])
def test_nobody_is_waited_for_where_no_command_is(
    tmp_path, monkeypatch, below
) -> None:
    """What lies in the way of the lock does not go away."""
    monkeypatch.setattr(compare_lock, 'WAIT', 5)
    folder = tmp_path / 'out'
    if below == 'file':
        folder.write_text('')
    else:
        folder.mkdir()
        (folder / '.run.lock').symlink_to(tmp_path / 'elsewhere')
    start = time.monotonic()
    with pytest.raises(UsageError, match='is a file|is no ordinary file'):
        compare_lock.shortly(folder)
    assert time.monotonic() - start < 3


def test_a_split_that_nobody_knows(run) -> None:
    with pytest.raises(UsageError, match='1_99'):
        run(splits=('1_99',), no_baselines=True)


def test_names_of_splits() -> None:
    assert split_label('1_16/seed{seed}') == '1_16'
    assert split_label('/data/1_16/seed0/') == '1_16-seed0'
    assert split_label('1_8') == '1_8'
    assert split_label('{seed}') == 'split'
    assert split_label(None) is None


def test_a_setting_that_the_data_overrules(run) -> None:
    key = 'model.student.decode_head.num_classes'
    with pytest.raises(UsageError, match=f'--set {key}=7 contradicts'):
        run('mean_teacher', settings={key: 7})


def test_a_setting_that_nothing_reads(run) -> None:
    with pytest.raises(UsageError, match='--set criterion=3 would change'):
        run(settings={'criterion': 3})


def test_another_config_of_one_name_is_another_run(run, folder) -> None:
    """Methods go by their folders; what is there is that of a file."""
    out = run('mean_teacher', no_baselines=True)
    text = (folder / 'mean_teacher/tiny.py').read_text()
    for name, lr in (('same', 0.1), ('other', 0.3)):
        path = folder / f'mean_teacher/{name}.py'
        path.write_text(text.replace("'lr': 0.1", f"'lr': {lr}"))
    number = len(MadeUp.seen)
    run('mean_teacher', name='same', no_baselines=True)
    place = out / 'cells/tiny/seed0/mean_teacher'
    assert read_json(place / 'cell.json')['config'] == 'tiny.py'
    assert MadeUp.seen[number:][-1].words()[1] == str(place / 'tiny.py')
    number = len(MadeUp.seen)
    with pytest.raises(UsageError, match='another optim_wrapper.optimizer.lr'):
        run('mean_teacher', name='other', no_baselines=True)
    assert len(MadeUp.seen) == number


def test_other_images_or_weights_are_another_run(
    run, folder, tmp_path
) -> None:
    """Also below a folder of the same name, whose lists stay."""
    first, second = (tmp_path / k / 'half' for k in ('a', 'b'))
    for place in (first, second):
        shutil.copytree(folder / 'splits/tiny', place)
    out = run(no_baselines=True, splits=(str(first),))
    # Elsewhere, but the same: what is not finished goes on with these.
    cell = MadeUp.seen[0]
    write_json(cell.run, 'run.json', dict(finished=False))
    run(no_baselines=True, splits=(str(second),))
    assert str(second) in cell.config.read_text()
    assert str(second) not in MadeUp.seen[1].config.read_text()
    swapped = (second / 'labeled.txt').read_text().split()
    other = (second / 'unlabeled.txt').read_text().split()
    swapped[0], other[0] = other[0], swapped[0]
    for name, names in (('labeled', swapped), ('unlabeled', other)):
        (second / f'{name}.txt').write_text('\n'.join(names) + '\n')
    before = {p: p.read_bytes() for p in (out / 'lists').rglob('*.txt')}
    with pytest.raises(UsageError, match='another list of labeled'):
        run(no_baselines=True, splits=(str(second),))
    assert {p: p.read_bytes() for p in before} == before
    # By the file's name, as folders are moved.
    weights = dict(load_from='x/a.pth')
    with pytest.raises(UsageError, match='another load_from: None -> a.pth'):
        run(no_baselines=True, splits=(str(first),), settings=weights)
    # Nor may a method join that was not there before.
    with pytest.raises(UsageError, match='another list of labeled'):
        run('plain', no_baselines=True, splits=(str(second),))
