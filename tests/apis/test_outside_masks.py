"""Masks from elsewhere: read, calibrated, written, learned from."""

import shutil
from unittest.mock import MagicMock

import cv2
import numpy as np
import pytest

from mmsemi.apis import calibrate_masks
from mmsemi.engine.hooks import OutsideLabelsHook
from mmsemi.engine.runner import build_runner
from mmsemi.pseudo_labels.file_table import FileTable
from mmsemi.pseudo_labels.outside_masks import OutsideMasks
from mmsemi.pseudo_labels.store import FILES, PseudoLabelStore, read_png
from mmsemi.utils.errors import UsageError, WriteError
from tests.full_disk import FullDisk
from tests.tiny import CLASSES, SIZE, Killed, make_tiny_set, tiny_config

LABELED, UNLABELED = 14, 10


def true_mask(root, stem):
    return cv2.imread(str(root / f'data/masks/{stem}.png'), -1)


@pytest.fixture(scope='module')
def given(tmp_path_factory):
    """A data set, its config, and probabilities of another model.

    Ground is right; discs are right where the model is sure and half of the
    others are not discs; bars are ground.
    """
    root = tmp_path_factory.mktemp('outside')
    make_tiny_set(root / 'data', LABELED, UNLABELED)
    cfg = tiny_config(root / 'data', root / 'work')
    cfg.dump(root / 'config.py')
    rng = np.random.default_rng(0)
    (root / 'masks').mkdir()
    for number in range(LABELED + UNLABELED):
        stem = f'{number:02d}'
        truth = true_mask(root, stem)
        labels = np.where(truth == 255, 0, truth)
        labels[truth == 2] = 0
        labels[4:12, :5] = 2
        sure = rng.uniform(0.8, 1.0, SIZE)
        unsure = (truth == 0) & (rng.random(SIZE) < 0.15)
        labels[unsure] = 1
        sure[unsure] = rng.uniform(0.4, 0.7, unsure.sum())
        probabilities = np.repeat((1 - sure)[None] / 2, 3, 0)
        np.put_along_axis(probabilities, labels[None].astype(int), sure, 0)
        np.savez(root / f'masks/{stem}.npz', probabilities=probabilities)
    return root


@pytest.fixture(scope='module')
def kept(given):
    table = calibrate_masks(
        str(given / 'config.py'),
        str(given / 'masks'),
        str(given / 'out'),
        precision=0.6,
    )
    store = PseudoLabelStore(given / 'out')
    return given, table, store.manifest(0)


def test_right_labels_are_kept_and_wrong_ones_dropped(kept):
    given, table, manifest = kept
    result = manifest['calibration']
    assert result['ground']['kept'] and result['ground']['share'] == 1
    assert result['disc']['kept'] and result['disc']['share'] < 0.95
    assert not result['bar']['kept'] and result['bar']['measured'] < 0.2
    right = {name: [0, 0] for name in CLASSES}
    for number in range(LABELED, LABELED + UNLABELED):
        labels = read_png(given / f'out/round_0/labels/{number}.png')
        truth = true_mask(given, number)
        assert labels.shape == SIZE and (labels == 255).any()
        for label, name in enumerate(CLASSES):
            here = (labels == label) & (truth != 255)
            right[name][0] += (truth[here] == label).sum()
            right[name][1] += here.sum()
    assert right['bar'] == [0, 0]
    for name in ('ground', 'disc'):
        assert right[name][0] / right[name][1] > 0.6
    assert 'dropped' in table.splitlines()[3]
    assert (given / 'out/calibration.txt').read_text() == table + '\n'
    names = (given / 'out/images.txt').read_text().split()
    assert names == [str(k) for k in range(LABELED, LABELED + UNLABELED)]
    assert PseudoLabelStore(given / 'out').problem(0) is None


def test_hard_masks_are_kept_or_dropped_by_class(given, no_scope, tmp_path):
    for path in (given / 'masks').iterdir():
        labels = np.load(path)['probabilities'].argmax(0).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f'{path.stem}.png'), labels)
    out = tmp_path / 'out'
    args = str(given / 'config.py'), str(tmp_path), str(out)
    calibrate_masks(*args, precision=0.6)
    found = PseudoLabelStore(out).manifest(0)['calibration']
    assert found['ground']['kept'] and found['ground']['share'] == 1
    assert not found['disc']['kept'] and not found['bar']['kept']
    with pytest.raises(UsageError, match='holds files'):
        calibrate_masks(*args)
    # Everything, to compare with.
    calibrate_masks(*args, precision=0, overwrite=True)
    name = f'{LABELED}.png'
    assert np.array_equal(
        read_png(out / 'round_0/labels' / name), read_png(tmp_path / name)
    )


def test_a_call_that_was_stopped_is_repeated(given, tmp_path):
    out = tmp_path / 'out'
    args = str(given / 'config.py'), str(given / 'masks'), str(out)
    with FullDisk(tmp_path).after(4), pytest.raises(WriteError):
        calibrate_masks(*args, precision=0.6)
    (out / 'notes.txt').write_text('of a person')
    with pytest.raises(UsageError, match='holds files'):
        calibrate_masks(*args, precision=0.6)
    (out / 'notes.txt').unlink()
    calibrate_masks(*args, precision=0.6)
    assert PseudoLabelStore(out).problem(0) is None


def test_source_images_say_nothing_of_the_target(given, tmp_path):
    """Masks are right in the source, and wrong in the target domain."""
    shutil.copytree(given / 'data', tmp_path / 'data')
    source, target = range(4), range(4, LABELED)
    for name, part in (('labeled', source), ('few', target)):
        lines = ''.join(f'{k:02d}\n' for k in part)
        (tmp_path / f'data/{name}.txt').write_text(lines)
    (tmp_path / 'masks').mkdir()
    for number in (*source, *target, LABELED):
        truth = true_mask(given, f'{number:02d}')
        labels = truth if number in source else np.where(truth == 1, 0, 1)
        labels = np.where(truth == 2, 2, labels).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f'masks/{number:02d}.png'), labels)
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work')
    dataset = cfg.semi_dataloader.dataset
    dataset.target = dict(
        dataset.labeled, ann_file=str(tmp_path / 'data/few.txt')
    )
    cfg.dump(tmp_path / 'config.py')
    args = str(tmp_path / 'config.py'), str(tmp_path / 'masks')
    calibrate_masks(*args, str(tmp_path / 'out'), precision=0.5)
    found = PseudoLabelStore(tmp_path / 'out').manifest(0)['calibration']
    assert [found[name]['kept'] for name in CLASSES] == [False, False, True]
    assert {found[name]['images'] for name in CLASSES} == {len(target)}


def rounds(
    given,
    labels,
    work_dir,
    portions=(1.0, 0.5),
    killed=None,
    labeling=None,
    **changes,
):
    cfg = tiny_config(given / 'data', work_dir, **changes)
    if killed is not None:
        cfg.custom_hooks.append(dict(type='KillHook', iteration=killed))
    cfg.train_cfg.portions = portions
    cfg.train_cfg.supervised_iters = cfg.train_cfg.iters_per_round = 2
    for hook in cfg.custom_hooks:
        if hook['type'] == 'PseudoLabelHook':
            hook.update(labeling or {})
            if labels is not None:
                hook.update(type='OutsideLabelsHook', labels=str(labels))
    cfg.experiment_name = str(work_dir)
    return build_runner(cfg)


def contents(folder):
    return {
        path: path.stat().st_mtime_ns
        for path in folder.rglob('*')
        if path.is_file()
    }


def test_first_round_learns_them_and_later_ones_the_models_own(kept):
    given, _, manifest = kept
    before = contents(given / 'out')
    rounds(given, given / 'out', given / 'work').train()
    assert contents(given / 'out') == before
    store = PseudoLabelStore(given / 'work/pseudo_labels')
    first, second = store.manifest(1), store.manifest(2)
    assert first['kept'] == manifest['kept'] != second['kept']
    path = f'labels/{LABELED}.png'
    assert np.array_equal(
        read_png(store.folder(1) / path),
        read_png(given / 'out/round_0' / path),
    )
    assert second['per_class']['ground']['threshold'] > 0


@pytest.mark.parametrize('confidence', [True, False])
@pytest.mark.parametrize('rule', ['argmax', 'scaled'])
def test_where_masks_have_no_label_the_models_own_fills(
    kept, tmp_path, rule, confidence
):
    """What is kept of the masks stays; elsewhere it is as without them."""
    given, _, manifest = kept
    labeling = dict(
        keep_confidence=confidence,
        labeler=dict(type='ClassBalancedPseudoLabeler', rule=rule),
    )

    def labels_of(work_dir, labels, portion, **more):
        work = tmp_path / work_dir
        more = labeling | more
        rounds(given, labels, work, (portion,), labeling=more).train()
        store = PseudoLabelStore(work / 'pseudo_labels')
        assert store.problem(1) is None
        return store

    filled = labels_of('filled', given / 'out', 1.0, fill=0.5)
    own = labels_of('own', None, 0.5).folder(1)
    new_labels = 0
    for path in (own / 'labels').iterdir():
        masks, others, found = (
            read_png(folder / 'labels' / path.name)
            for folder in (given / 'out/round_0', own, filled.folder(1))
        )
        gap = masks == 255
        assert np.array_equal(found, np.where(gap, others, masks))
        new_labels += (gap & (others != 255)).sum()
        name = f'confidence/{path.name}'
        assert (filled.folder(1) / name).is_file() is confidence
        if confidence:
            others, masks, found = (
                read_png(folder / name)
                for folder in (own, given / 'out/round_0', filled.folder(1))
            )
            assert np.array_equal(found, np.where(gap, others, masks))
    assert new_labels
    assert filled.manifest(1)['kept'] > manifest['kept']


def test_labels_that_fill_belong_to_the_weights_that_made_them(kept, tmp_path):
    given, work = kept[0], tmp_path / 'work'
    store = PseudoLabelStore(work / 'pseudo_labels')
    with pytest.raises(Killed):
        rounds(
            given, given / 'out', work, killed=3, labeling=dict(fill=0.5)
        ).train()
    made = store.manifest(1)
    # Lost in mid-round, they are made again, the same.
    before = {p.name: read_png(p) for p in store.root.rglob('labels/*.png')}
    next(store.root.rglob('labels/*.png')).unlink()
    rounds(
        given,
        given / 'out',
        work,
        (1.0,),
        resume=True,
        labeling=dict(fill=0.5),
    ).train()
    assert store.manifest(1)['source'] == made['source']
    for path in store.folder(1).glob('labels/*.png'):
        assert np.array_equal(read_png(path), before[path.name])
    for wrong in (-0.1, 1.5, float('nan'), True, '0.5', None):
        with pytest.raises(ValueError, match='fill must be between 0 and 1'):
            OutsideLabelsHook('labels', fill=wrong, labeler={})


@pytest.mark.parametrize('rule', ['argmax', 'scaled'])
def test_what_masks_alone_have_is_counted_and_no_class_called_absent(
    given, tmp_path, rule
):
    (tmp_path / 'masks').mkdir()
    for number in range(LABELED + UNLABELED):
        path = tmp_path / f'masks/{number:02d}.png'
        cv2.imwrite(str(path), np.full(SIZE, 2, np.uint8))
    out, work = tmp_path / 'out', tmp_path / 'work'
    config, masks = str(given / 'config.py'), str(tmp_path / 'masks')
    calibrate_masks(config, masks, str(out), precision=0)
    labeler = dict(type='ClassBalancedPseudoLabeler', rule=rule)
    labeling = dict(fill=1, labeler=labeler)
    rounds(given, out, work, (1.0,), labeling=labeling).train()
    found = PseudoLabelStore(work / 'pseudo_labels').manifest(1)['per_class']
    assert found['bar']['kept'] == UNLABELED * SIZE[0] * SIZE[1]
    for figures in found.values():
        assert figures['candidates'] == figures['kept']


def test_labels_of_other_weights_are_not_lost_where_the_folder_is_gone(
    kept, tmp_path
):
    given, out, work = kept[0], tmp_path / 'out', tmp_path / 'work'
    shutil.copytree(given / 'out', out)
    fill = dict(fill=0.5)
    with pytest.raises(Killed):
        rounds(given, out, work, killed=3, labeling=fill).train()
    shutil.rmtree(out)
    store = PseudoLabelStore(work / 'pseudo_labels')
    made = store.manifest(1)
    seed = dict(seed=77)
    with pytest.raises(UsageError, match='no labels yet.*calibrate-masks'):
        rounds(given, out, work, labeling=fill, randomness=seed).train()
    assert store.problem(1) is None and store.manifest(1) == made


def test_runs_go_on_when_the_folder_is_gone(kept, tmp_path):
    given, _, manifest = kept
    out, work = tmp_path / 'out', tmp_path / 'work'
    for killed in (3, 5, None):  # in round 1, in round 2
        if killed == 3:
            shutil.copytree(given / 'out', out)
        runner = rounds(given, out, work, killed=killed, resume=work.exists())
        if killed is None:
            runner.train()
        else:
            with pytest.raises(Killed):
                runner.train()
        shutil.rmtree(out, ignore_errors=True)
    first = PseudoLabelStore(work / 'pseudo_labels').manifest(1)
    assert first['kept'] == manifest['kept']
    assert runner.iter == 6
    # Nor is it another run's: labels that are damaged cannot be replaced.
    shutil.copytree(given / 'out', out)
    other = tmp_path / 'other'
    with pytest.raises(Killed):
        rounds(given, out, other, killed=3).train()
    shutil.rmtree(out)
    next((other / 'pseudo_labels/round_1/labels').iterdir()).unlink()
    with pytest.raises(UsageError, match='no labels yet.*calibrate-masks'):
        rounds(given, out, other, resume=True).train()


def test_names_with_odd_breaks_are_found(tmp_path, monkeypatch):
    """In a list only a line feed ends a name."""
    stems = ['a\u2028b', 'c\x0bd', 'e\x85']
    loop = MagicMock()
    loop.label_dataset.metainfo = dict(classes=CLASSES)
    loop.label_dataset.stems.return_value = stems
    runner = MagicMock(train_loop=loop, work_dir=str(tmp_path))
    outside = tmp_path / 'outside/round_0'
    lines = ''.join(f'{stem}\n' for stem in stems).encode()
    FileTable(np.arange(3)).save(outside, FILES, lines)
    monkeypatch.setattr(PseudoLabelStore, 'problem', lambda *_: None)
    monkeypatch.setattr(
        PseudoLabelStore, 'manifest', lambda *_: dict(classes=[*CLASSES])
    )
    monkeypatch.setattr(OutsideLabelsHook, '_settings', lambda *_: 'none')
    hook = OutsideLabelsHook(str(outside.parent), labeler={})
    assert hook._unfit(runner) is None
    stems.append('b')
    assert hook._unfit(runner).endswith('no labels for the unlabeled image b')


def test_labels_that_do_not_serve_are_refused(kept, tmp_path):
    given, _, _ = kept
    with pytest.raises(UsageError, match='no labels yet.*calibrate-masks'):
        rounds(given, tmp_path / 'no', tmp_path / 'a').train()
    out = given / 'out'
    with pytest.raises(UsageError, match='first portion be 1.0'):
        rounds(given, out, tmp_path / 'b', portions=(0.5, 0.5)).train()
    make_tiny_set(tmp_path / 'data', LABELED, UNLABELED + 1)
    with pytest.raises(UsageError, match='unlabeled image 24'):
        rounds(tmp_path, out, tmp_path / 'c').train()


@pytest.mark.parametrize(
    'array, message',
    [
        (np.zeros((4, *SIZE), np.float32), r'needed for the 3 classes'),
        (np.full((3, *SIZE), 7.5), '7.5 is no probability.*softmax'),
        (np.full((3, *SIZE), np.nan), 'nan is no probability'),
        (np.full(SIZE, 9), 'value 9 is no class: there are 0..2'),
        (np.zeros((8, 8), int), r'8x8 for an image of 48x32'),
        (np.zeros(SIZE), 'is no mask.*integers'),
        (np.zeros((3, 0, 0)), 'needed for the 3 classes'),
        (np.full((3, *SIZE), 'a'), 'needed for the 3 classes'),
    ],
)
def test_what_is_no_mask_is_named(given, tmp_path, array, message):
    for stem in ('03', str(LABELED)):
        np.save(tmp_path / f'{stem}.npy', array)
    with pytest.raises(UsageError, match=f'03.npy: .*{message}'):
        calibrate_masks(
            str(given / 'config.py'), str(tmp_path), str(tmp_path / 'out')
        )
    assert not (tmp_path / 'out').exists()


def test_what_would_fill_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    """A packed file of kilobytes can hold gigabytes."""
    large = np.zeros((3000, 3000), np.uint8)
    np.savez_compressed(tmp_path / 'a.npz', labels=large)
    np.savez_compressed(
        tmp_path / 'b.npz', labels=large[:32, :48], features=large
    )
    source = OutsideMasks(tmp_path, ['a', 'b'])
    assert source.read('b', (32, 48)).labels.shape == (32, 48)
    monkeypatch.setattr(np, 'load', None)
    with pytest.raises(UsageError, match=r'a\.npz: unpacked it is 0.01 GiB'):
        source.read('a', (32, 48))


def test_an_annotation_with_what_is_no_class_is_named(given, tmp_path):
    root = make_tiny_set(tmp_path / 'data', LABELED, UNLABELED)
    cv2.imwrite(str(root / 'masks/02.png'), np.full(SIZE, 300, np.uint16))
    tiny_config(root, tmp_path / 'work').dump(tmp_path / 'config.py')
    arguments = (tmp_path / 'config.py', given / 'masks', tmp_path / 'out')
    with pytest.raises(UsageError, match='02.png: value 300 is no class'):
        calibrate_masks(*map(str, arguments))
    assert not (tmp_path / 'out').exists()


def test_masks_that_out_would_replace_are_refused(kept):
    given, _, manifest = kept
    config, out = str(given / 'config.py'), given / 'out'
    before = sorted((out / 'round_0').rglob('*.png'))
    for masks in (out / 'round_0/labels', out / 'round_0'):
        with pytest.raises(UsageError, match='lies in what --out replaces'):
            calibrate_masks(config, str(masks), str(out), overwrite=True)
    assert sorted((out / 'round_0').rglob('*.png')) == before


def test_probabilities_want_no_confidences(given, tmp_path):
    """So nobody is asked to add some first."""
    masks = OutsideMasks(given / 'masks', CLASSES, tmp_path)
    with pytest.raises(UsageError, match='which say how sure they are'):
        masks.read('00')


def test_masks_of_other_images_are_refused(given, tmp_path):
    config, out = str(given / 'config.py'), str(tmp_path / 'out')
    with pytest.raises(UsageError, match='no such folder'):
        calibrate_masks(config, str(tmp_path / 'none'), out)
    np.save(tmp_path / 'x.npy', np.zeros(SIZE, int))
    with pytest.raises(UsageError, match='no mask of any of the 14 labeled'):
        calibrate_masks(config, str(tmp_path), out)
    np.save(tmp_path / '03.npy', np.zeros(SIZE, int))
    with pytest.raises(UsageError, match='any of the 10 unlabeled'):
        calibrate_masks(config, str(tmp_path), out)
    for name in ('precision', 'error_rate'):
        with pytest.raises(UsageError, match=name.replace('_', '-')):
            calibrate_masks(config, str(tmp_path), out, **{name: 1.0})
    np.savez(tmp_path / '03.npz', np.zeros(SIZE, int))
    with pytest.raises(UsageError, match='are masks of one image'):
        calibrate_masks(config, str(tmp_path), out)
