"""From two folders to a run, and again with more masks."""

import hashlib
import importlib
import io
import json
import re
import shlex
import shutil
import signal
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmseg.apis import inference_model, init_model
from PIL import Image

import mmsemi
from mmsemi.apis.fit import named_from_anywhere, seconds_of
from mmsemi.apis.fit_run import check_out
from mmsemi.apis.fit_trial import try_out
from mmsemi.cli.main import build_parser
from mmsemi.engine.interruption import Interrupted
from mmsemi.engine.trial import Trial
from mmsemi.prepare.masks import read_encoding
from mmsemi.report.own_data.run_folder import read_facts, read_names
from mmsemi.utils.errors import UsageError

pytestmark = pytest.mark.slow
SIZE = (64, 72)


def picture(seed: int) -> tuple[Image.Image, np.ndarray]:
    """A square that is brighter than its surroundings, and where it is."""
    random = np.random.default_rng(seed)
    truth = np.zeros(SIZE, bool)
    top, left = random.integers(4, 24, 2)
    truth[top : top + 30, left : left + 34] = True
    values = random.integers(0, 60, (*SIZE, 3)) + 150 * truth[..., None]
    return Image.fromarray(values.astype(np.uint8)), truth


NAMES = [
    'a 1.JPG',
    'b.png',
    'deep/c.jpg',
    'deep/über.png',
    'e.png',
    'f.png',
    'deep/a 1.JPG',
    'h.jpg',
]


def draw_mask(root: Path, name: str) -> None:
    truth = picture(NAMES.index(name))[1]
    mask = root / 'masks' / Path(name).with_suffix('.png')
    mask.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((truth * 255).astype(np.uint8)).save(mask)


def folders(root: Path, labeled: int = 5) -> tuple[str, str]:
    for seed, name in enumerate(NAMES):
        file = root / 'images' / name
        file.parent.mkdir(parents=True, exist_ok=True)
        picture(seed)[0].save(file)
        if seed < labeled:
            draw_mask(root, name)
    return str(root / 'images'), str(root / 'masks')


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def done(tmp_path_factory) -> Path:
    """A finished run, whose folders of images and masks stay as they were."""
    root = tmp_path_factory.mktemp('fit')
    images, masks = folders(root)
    before = contents(root)
    console = io.StringIO()
    with redirect_stdout(console), redirect_stderr(console):
        run = mmsemi.fit(
            images, masks, root / 'run', method='mean_teacher', iters=3
        )
    (root / 'run/console.txt').write_text(console.getvalue())
    after = contents(root)
    assert {k: v for k, v in after.items() if not k.startswith('run/')} == (
        before
    )
    return run


def test_lists_and_masks(done) -> None:
    facts = read_facts(done)
    assert facts['numbers'] == dict(labeled=4, holdout=1, unlabeled=3)
    parts = [
        read_names(done, part) for part in ('labeled', 'holdout', 'unlabeled')
    ]
    assert sorted(parts[0] + parts[1]) == sorted(NAMES[:5])
    assert sorted(parts[2]) == sorted(NAMES[5:])
    for name in NAMES[:5]:
        ids = np.array(Image.open(done / f'data/masks/{name}.png'))
        assert (ids == picture(NAMES.index(name))[1]).all()
    encoding = read_encoding((done / facts['encoding']).parent)
    assert encoding.codes == [0, 255]


def test_settings_come_with_reasons_and_a_config_that_runs(done) -> None:
    settings = {s['name']: s for s in read_facts(done)['settings']}
    assert settings['iterations']['value'] == 3
    assert all(setting['reason'] for setting in settings.values())
    # One iteration of the three is done by the twin for both.
    assert settings['shared']['value'] == 1
    twin, method = (
        Config.fromfile(done / name) for name in ('twin.py', 'config.py')
    )
    assert (twin.train_cfg.max_iters, method.train_cfg.max_iters) == (3, 2)
    assert (
        Path(method.load_from).resolve()
        == (done / 'twin/iteration_1.pth').resolve()
    )
    assert Path(method.load_from).is_file()
    rates = [cfg.optim_wrapper.optimizer.lr for cfg in (twin, method)]
    assert rates[1] == pytest.approx(rates[0] * (2 / 3) ** 0.9, rel=1e-2)
    for folder in ('train', 'twin'):
        summary = json.loads((done / folder / 'summary.json').read_text())
        assert summary


def test_a_command_means_the_same_from_any_folder(
    tmp_path, monkeypatch
) -> None:
    """Files of the data's owner are named by whole paths."""
    monkeypatch.chdir(tmp_path)
    for name in ('val.txt', 'names.txt', 'mine.py'):
        Path(name).touch()
    files = dict(val='val.txt', classes='names.txt', model='mine.py')
    wish = named_from_anywhere(images='images', weights='w.pth', **files)
    assert {Path(path).parent for path in wish.values()} == {tmp_path}
    wish = dict(classes='a,b', model='unet', val=None, iters=3)
    assert named_from_anywhere(**wish) == wish


def test_a_recorded_command_means_what_was_given() -> None:
    """Also values that would else be taken for options."""
    fit = importlib.import_module('mmsemi.apis.fit')
    wish = dict(
        images='/i',
        masks='/m',
        mask_suffix='-mask',
        classes='-=a,b=c d',
        cross_validate=3,
        seed=-3,
        twin=False,
        confidence=True,
    )
    told = shlex.split(fit._command(wish))[1:]
    given = vars(build_parser().parse_args([*told, '--out', 'x']))
    assert {key: given[key] for key in wish} == wish


def test_what_comes_out(done) -> None:
    """Masks are encoded as they came, and lie as the images do."""
    for name in NAMES:
        stem = Path(name).with_suffix('')
        mask = Image.open(done / f'masks/{stem}.png')
        assert mask.size == SIZE[::-1]
        assert set(np.unique(mask)) <= {0, 255}
    model = init_model(
        str(done / 'segmentor.py'), str(done / 'segmentor.pth'), device='cpu'
    )
    assert list(model.dataset_meta['classes']) == ['background', 'foreground']
    result = inference_model(model, np.zeros((*SIZE, 3), np.uint8))
    assert result.seg_logits.data.shape == (2, *SIZE)
    assert (done / 'label_next.csv').read_text().count('\n') == 4
    page = (done / 'report.html').read_text()
    assert 'foreground' in page and 'src="http' not in page
    assert read_facts(done)['finished']
    command = 'mmsemi fit {0}/images {0}/masks --method mean_teacher --iters 3'
    assert read_facts(done)['command'] == command.format(done.parent)


# What a person sees of a run, line by line.
CONSOLE = (
    r'',
    r'\d+ images: .*',
    r' +\d+ -> \d+ .*',
    r'(warning|note) .*',
    r'Settings',
    r'  \w+ +.+: .+',
    r'A hold-out of .*',
    r'Training with .*',
    r'(labeled|unlabeled|val): \d+ images?, .*',
    '(a step takes|loaded /).*',
    r'(training|measuring on|predicting|looking at|drawing|reading).* %.*',
    r'[+|].*',
    r'val mIoU [\d.]+ after .*',
    r'IoU of each class: .*',
    r'  (summary|segmentor|training|report|model) +/.*',
    r'masks of 8 images, in .*',
    r'\d+ images to label next: .*',
    r'One image cannot tell .*',
)


def test_the_console_has_what_a_person_needs_alone(done) -> None:
    lines = (done / 'console.txt').read_text().splitlines()
    assert len(lines) > 40
    allowed = re.compile('|'.join(f'(?:{text})' for text in CONSOLE))
    assert [line for line in lines if not allowed.fullmatch(line)] == []


def test_the_same_again_needs_other_masks(done) -> None:
    root = done.parent
    arguments = (root / 'images', root / 'masks', done)
    before = contents(done)
    with pytest.raises(UsageError, match='holds a finished run with the same'):
        mmsemi.fit(*map(str, arguments), iters=3)
    arguments = (root / 'images', done / 'masks', done)
    with pytest.raises(UsageError, match='was written by the run in .*run, w'):
        mmsemi.fit(*map(str, arguments), iters=3)
    assert contents(done) == before


@pytest.mark.parametrize(
    ('change', 'goes_on'),
    [({}, True), (dict(model='small'), False), (dict(weights='w.pth'), False)],
)
def test_the_last_model_is_gone_on_with_if_it_fits(
    done, tmp_path, monkeypatch, change, goes_on
) -> None:
    run, masks = tmp_path / 'run', tmp_path / 'masks'
    shutil.copytree(done, run)
    shutil.copytree(done.parent / 'masks', masks)
    draw_mask(tmp_path, NAMES[5])
    if 'weights' in change:
        change = dict(
            weights=str(shutil.copy(done / 'segmentor.pth', tmp_path))
        )
        change['model'] = 'unet'
    module = importlib.import_module('mmsemi.apis.fit')
    for step in ('train_all', '_finish'):
        monkeypatch.setattr(module, step, lambda *_: None)
    images = str(done.parent / 'images')
    mmsemi.fit(images, str(masks), str(run), iters=3, twin=False, **change)
    text = (run / 'config.py').read_text()
    assert ('history/1/segmentor.pth' in text) == goes_on
    assert (run / 'history/1/segmentor.pth').is_file()


def test_one_mask_that_tells_something_is_too_few(tmp_path) -> None:
    images, masks = folders(tmp_path, labeled=2)
    mask = tmp_path / 'masks/b.png'
    ids = np.full(SIZE, 255, np.uint8)
    Image.fromarray(ids).save(mask)
    Image.fromarray(np.tri(*SIZE, dtype=np.uint8)).save(mask.with_stem('a 1'))
    with pytest.raises(UsageError, match='a 1.png: no other mask has a pixel'):
        mmsemi.fit(images, masks, str(tmp_path / 'run'), iters=1)


def test_stopped_and_gone_on_with(tmp_path, monkeypatch, capsys) -> None:
    """Then again with one mask more and one corrected."""
    images, masks = folders(tmp_path)
    run = tmp_path / 'run'
    train_module = importlib.import_module('mmsemi.apis.train')

    def stop(*args, **kwargs):
        raise Interrupted(signal.SIGTERM)

    arguments = dict(images=images, masks=masks, out=str(run), twin=False)
    with monkeypatch.context() as patch:
        patch.setattr(train_module, 'build_runner', stop)
        with pytest.raises(Interrupted):
            mmsemi.fit(**arguments, iters=2)
    with pytest.raises(UsageError, match='holds a run that was stopped'):
        mmsemi.fit(**arguments, iters=2)
    with pytest.raises(UsageError, match='cannot resume: --iters was 2 when'):
        mmsemi.fit(**arguments, iters=3, resume=True)
    mmsemi.fit(**arguments, iters=2, resume=True)
    held = read_names(run, 'holdout')
    draw_mask(tmp_path, NAMES[5])
    capsys.readouterr()
    mmsemi.fit(**arguments, iters=2)
    printed = capsys.readouterr().out
    assert f'1 mask new ({NAMES[5]})' in printed
    assert 'The run before' in printed
    assert read_names(run, 'holdout') == held
    assert read_facts(run)['earlier'] == 'history/1'
    assert read_facts(run)['numbers']['unlabeled'] == 2
    assert 'The run before' in (run / 'report.html').read_text()
    start = Config.fromfile(run / 'config.py').load_from
    assert Path(start).resolve() == run / 'history/1/segmentor.pth'
    told = {s['name']: s for s in read_facts(run)['settings']}
    assert told['weights']['value'] == 'history/1/segmentor.pth'
    assert not any('at random' in s['reason'] for s in told.values())
    assert Path(start).is_file()


def test_only_what_a_start_left_is_written_over(done, tmp_path) -> None:
    """A start may be stopped while steps are timed; files of others stay."""
    run = tmp_path / 'run'
    (run / 'data').mkdir(parents=True)
    (run / 'data/labeled.txt').write_text('mine')
    with pytest.raises(UsageError, match='data is in the way of a new run'):
        check_out(run)
    shutil.rmtree(run)
    shutil.copytree(done / 'data', run / 'data')
    for name in ('config.py', 'twin.py'):
        shutil.copy(done / name, run)
    check_out(run)
    shutil.copy(done / 'segmentor.pth', run)
    with pytest.raises(UsageError, match='is in the way'):
        check_out(run)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(out='{root}/images/run'), 'nothing is written there'),
        (dict(time='soon'), '--time soon: give a time such as 90s'),
        (dict(time='1m', iters=3), '--time 1m and --iters 3 both say how'),
        (dict(iters=0), '--iters must be at least 1, got 0'),
        (dict(weights='w.pth'), '--weights w.pth does not exist'),
        (dict(val='{root}/none'), '/none: no such folder or list'),
        (dict(val='{root}/masks'), 'no image with a mask in it'),
        (dict(val='{root}/val.txt'), "names 'nobody', which is no image"),
        (dict(method='magic'), '--method magic: no such method'),
        (
            dict(model='magic.py'),
            '--model magic.py: it is neither small nor unet, and config mag',
        ),
        (dict(resume=True), 'nothing to resume'),
        (dict(val='{root}/images'), 'it holds every image with a mask'),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, change, words) -> None:
    images, masks = folders(tmp_path)
    (tmp_path / 'val.txt').write_text('a 1.JPG\nnobody\n')
    arguments = dict(images=images, masks=masks, out=str(tmp_path / 'run'))
    arguments |= {
        key: value.format(root=tmp_path) if isinstance(value, str) else value
        for key, value in change.items()
    }
    with pytest.raises(UsageError, match=words) as error:
        mmsemi.fit(**arguments)
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'run').exists()


def test_stopped_before_anything_is_trained(tmp_path, monkeypatch) -> None:
    images, masks = folders(tmp_path)

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr('mmsemi.apis.fit_begin.doctor', stop)
    with pytest.raises(Interrupted) as error:
        mmsemi.fit(images, masks, str(tmp_path / 'run'))
    assert error.value.exit_code == 130
    assert 'the same command' in error.value.advice


def test_a_list_of_images_to_measure_on(tmp_path) -> None:
    from mmsemi.apis.doctor import doctor
    from mmsemi.apis.fit_data import plan_data

    images, masks = folders(tmp_path)
    (tmp_path / 'val.txt').write_text('b\n')
    found = doctor(images, masks)
    plan = plan_data(found, images, str(tmp_path / 'val.txt'), 0)
    assert plan.lists['holdout'] == ['b.png']
    plan = plan_data(found, images, f'{images}/deep', 0)
    assert plan.lists['holdout'] == ['deep/c.jpg', 'deep/über.png']


def test_unknown_pixels_and_deep_images(tmp_path) -> None:
    """A partly labeled image is among the unlabeled ones, too."""
    images, masks = folders(tmp_path)
    for name in NAMES:
        values = np.array(Image.open(f'{images}/{name}').convert('L'))
        Path(images, name).unlink()
        deep = Image.fromarray(values.astype(np.uint16) * 40)
        deep.save(Path(images, name).with_suffix('.png'))
    for name in NAMES[:5]:
        path = Path(masks, name).with_suffix('.png')
        ids = (np.array(Image.open(path)) > 0).astype(np.uint8)
        ids[:40] = 255
        Image.fromarray(ids).save(path)
    run = mmsemi.fit(images, masks, str(tmp_path / 'run'), iters=2, twin=False)
    partly = read_names(run, 'partly')
    assert partly == read_names(run, 'labeled')
    assert set(partly) < set(read_names(run, 'unlabeled'))
    cfg = Config.fromfile(run / 'config.py')
    assert cfg.data.partly_labeled == str(run / 'data/partly.txt')
    low, high = cfg.data.load.value_range
    assert 0 <= low < high <= 40 * 255


def test_without_unlabeled_images_it_is_supervised(tmp_path, capsys) -> None:
    images, masks = folders(tmp_path, labeled=len(NAMES))
    run = mmsemi.fit(images, masks, str(tmp_path / 'run'), iters=1)
    told = capsys.readouterr().out
    assert 'every image has a mask. Training is plain supervised' in told
    assert 'Training with labeled images alone' in told
    assert not (run / 'twin').exists() and not (run / 'twin.py').exists()
    page = (run / 'report.html').read_text()
    assert 'Trained on labeled images only' in page


def test_a_time_that_is_too_short_is_told(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(
        'mmsemi.apis.fit_trial.try_steps', lambda *_: Trial(2.0, 1, None)
    )
    monkeypatch.setattr('mmsemi.apis.fit_trial.load_config', lambda _: None)
    for budget, number, told in ((60, 100, True), (6000, 2550, False)):
        found = try_out(tmp_path, ['a'], None, budget, 0)
        assert found.iterations == number
        assert ('LONGER than --time' in found.settings[0].reason) == told
    # What labels its images between steps has as many fewer of them.
    monkeypatch.setattr(
        'mmsemi.apis.fit_trial.try_steps', lambda *_: Trial(2.0, 1, None, 0.5)
    )
    found = try_out(tmp_path, ['a'], None, 6000, 0, labeled=400)
    assert found.iterations == 2450
    assert found.settings[0].reason.endswith('and 3 min 20 s of labeling')


def test_times() -> None:
    assert [seconds_of(t) for t in ('90s', '30m', '1.5h')] == [90, 1800, 5400]
