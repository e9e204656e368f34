"""Segmenting files as a user does it, against mmseg's own inference."""

import copy
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.apis import inference_model, init_model

from mmsemi.apis.image_files import find_images
from mmsemi.models.export import export_segmentor
from mmsemi.models.weights import read_weights
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.full_disk import FullDisk
from tests.models.tiny import tiny_student

ROOT = Path(__file__).resolve().parents[2]
PALETTE = [[10, 20, 30], [200, 0, 0], [0, 200, 0], [0, 0, 200]]
META = dict(dataset_meta=dict(classes=list('abcd'), palette=PALETTE))


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Images of two sizes, a wrapper's config and checkpoint, exports."""
    folder = tmp_path_factory.mktemp('infer')
    rng = np.random.default_rng(0)
    (folder / 'images/sub').mkdir(parents=True)
    for name, size in (
        ('one.png', (40, 56)),
        ('two.jpg', (33, 47)),
        ('sub/three.png', (40, 56)),
    ):
        cv2.imwrite(
            str(folder / 'images' / name),
            cv2.resize(rng.integers(0, 256, (5, 6, 3), np.uint8), size[::-1]),
        )
    student = tiny_student()
    student['data_preprocessor'].update(size=None, size_divisor=8)
    cfg = Config(
        dict(
            default_scope='mmsemi',
            model=dict(
                type='MeanTeacher',
                student=student,
                pseudo_labeler=dict(type='ConfidencePseudoLabeler'),
                unsup_loss=dict(type='SoftmaxMSELoss'),
                semi_test_cfg=dict(predict_on='teacher'),
            ),
            test_pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='LoadAnnotations'),
                dict(type='Resize', scale=(48, 40)),
                dict(type='SetOriShape'),
                dict(type='PackSemiInputs'),
            ],
        )
    )
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmsemi'):
        model = MODELS.build(copy.deepcopy(cfg.model))
    photos = (
        torch.stack(
            [
                torch.from_numpy(cv2.resize(cv2.imread(str(path)), (48, 40)))
                for path in sorted((folder / 'images').glob('*.*'))
            ]
        )
        .permute(0, 3, 1, 2)
        .flip(1)
        / 255.0
    )
    for network in (model.student, model.teacher):
        torch.nn.init.normal_(network.decode_head.conv_seg.weight, std=9.0)
        # Statistics of real maps, else all pixels get one class.
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        network.train()(photos, mode='tensor')
    cfg.dump(str(folder / 'wrapper.py'))
    torch.save(
        dict(state_dict=model.state_dict(), meta=META), folder / 'wrapper.pth'
    )
    for network in ('student', 'teacher'):
        export_segmentor(
            cfg, folder / 'wrapper.pth', folder / f'{network}.pth', network
        )
    return folder


def infer(
    monkeypatch,
    files,
    out,
    config='wrapper',
    source='images',
    checkpoint=None,
    *options,
):
    argv = [
        'infer.py',
        str(files / source),
        '--config',
        str(files / f'{config}.py'),
        '--checkpoint',
        str(files / f'{checkpoint or config}.pth'),
        '--out',
        str(out),
        '--device',
        'cpu',
        *options,
    ]
    monkeypatch.setattr(sys, 'argv', argv)
    runpy.run_path(str(ROOT / 'tools/infer.py'), run_name='__main__')


def expected_ids(files, network, name):
    model = init_model(
        str(files / f'{network}.py'),
        str(files / f'{network}.pth'),
        device='cpu',
    )
    result = inference_model(model, str(files / 'images' / name))
    return result.pred_sem_seg.data[0].numpy(), result.seg_logits.data


@pytest.mark.parametrize('network', ['student', 'teacher'])
@pytest.mark.parametrize('plain', [True, False])
def test_labels_are_those_of_mmseg(
    files, tmp_path, monkeypatch, network, plain
) -> None:
    out = tmp_path / 'out'
    options = ('--raw', '--confidence')
    if plain:
        infer(monkeypatch, files, out, network, 'images', None, *options)
    else:
        infer(
            monkeypatch,
            files,
            out,
            'wrapper',
            'images',
            None,
            *options,
            '--predict-on',
            network,
        )
    seen: set = set()
    for name in ('one.png', 'two.jpg', 'sub/three.png'):
        png = Path(name).with_suffix('.png')
        ids = cv2.imread(str(out / 'ids' / png), cv2.IMREAD_UNCHANGED)
        expected, logits = expected_ids(files, network, name)
        assert np.array_equal(ids, expected)
        seen |= set(np.unique(ids).tolist())
        color = cv2.imread(str(out / 'color' / png))
        assert np.array_equal(color[..., ::-1], np.array(PALETTE)[ids])
        photo = cv2.imread(str(files / 'images' / name)).astype(float)
        overlay = cv2.imread(str(out / 'overlay' / png))
        assert np.abs(overlay - (photo + color) / 2).max() <= 1
        sure = cv2.imread(str(out / 'confidence' / png), cv2.IMREAD_UNCHANGED)
        assert (
            np.abs(sure / 255 - logits.softmax(0).amax(0).numpy()).max() < 0.01
        )
    assert len(seen) > 1


def test_whole_image_where_evaluation_has_a_fixed_canvas(
    files, tmp_path, monkeypatch
) -> None:
    cfg = Config.fromfile(files / 'student.py')
    cfg.test_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='PackSegInputs'),
    ]
    cfg.dump(str(files / 'whole.py'))
    cfg.test_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='CenterPadFields', size=44),
        dict(type='CenterCropFields', size=44),
        dict(type='SetOriShape'),
        dict(type='PackSemiInputs'),
    ]
    cfg.dump(str(files / 'canvas.py'))
    for config in ('whole', 'canvas'):
        infer(
            monkeypatch,
            files,
            tmp_path / config,
            config,
            'images',
            'student',
            '--raw',
        )
    for name in ('one.png', 'two.png', 'sub/three.png'):
        whole, canvas = (
            cv2.imread(
                str(tmp_path / config / 'ids' / name), cv2.IMREAD_UNCHANGED
            )
            for config in ('whole', 'canvas')
        )
        assert np.array_equal(whole, canvas)


def test_network_of_the_config_and_plain_checkpoint(
    files, tmp_path, monkeypatch
) -> None:
    """Without --predict-on; and plain weights with a wrapper's config."""
    for checkpoint in ('wrapper', 'teacher'):
        out = tmp_path / checkpoint
        infer(
            monkeypatch,
            files,
            out,
            'wrapper',
            'images/one.png',
            checkpoint,
            '--raw',
        )
        ids = cv2.imread(str(out / 'ids/one.png'), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(
            ids, expected_ids(files, 'teacher', 'one.png')[0]
        )
        assert sorted(p.name for p in out.iterdir()) == [
            'color',
            'ids',
            'overlay',
        ]


def test_pattern(files, tmp_path, monkeypatch) -> None:
    infer(
        monkeypatch,
        files,
        tmp_path,
        'student',
        'images/**/*.png',
        None,
        '--overwrite',
    )
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob('*.png')}
    assert found == {
        f'{kind}/{stem}.png'
        for kind in ('color', 'overlay')
        for stem in ('one', 'sub/three')
    }


def test_unreadable_images_do_not_stop_the_others(
    files, tmp_path, monkeypatch
) -> None:
    images = tmp_path / 'images'
    images.mkdir()
    (images / 'bad.jpg').write_bytes(b'no image')
    (images / 'empty.png').touch()
    cv2.imwrite(
        str(images / 'cut.jpg'), np.random.randint(0, 255, (90, 90, 3))
    )
    whole = (images / 'cut.jpg').read_bytes()
    (images / 'cut.jpg').write_bytes(whole[:300])
    cv2.imwrite(str(images / 'good.png'), np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(
        SystemExit, match='bad.jpg: not a readable.*cut.*empty'
    ):
        infer(monkeypatch, files, tmp_path / 'out', 'student', images)
    assert (tmp_path / 'out/overlay/good.png').is_file()


def made_in(out: Path) -> dict[str, int]:
    """When each picture was written."""
    return {
        str(path.relative_to(out)): path.stat().st_mtime_ns
        for path in out.rglob('*.png')
    }


def test_a_call_that_was_stopped_goes_on(files, tmp_path, monkeypatch) -> None:
    """Only the same; what is there stays, whoever made it."""
    out = tmp_path / 'out'
    call = (monkeypatch, files, out, 'student')
    with FullDisk(tmp_path).after(4), pytest.raises(SystemExit):
        infer(*call)  # a note, pictures of one image, one of the next
    before = made_in(out)
    assert len(before) == 3
    (out / 'notes.txt').write_text('of a person')
    with pytest.raises(SystemExit, match='stopped, with another raw[.]'):
        infer(*call, 'images', None, '--raw')
    with pytest.raises(SystemExit, match='stopped, with another check'):
        infer(*call, 'images', 'teacher')
    assert made_in(out) == before
    infer(*call)
    after = made_in(out)
    assert len(after) == 6
    whole = [name for name in before if f'overlay/{name[6:]}' in before]
    assert len(whole) == 1
    assert all(after[name] == before[name] for name in whole)
    assert not (out / '.unfinished.json').exists()
    with pytest.raises(SystemExit, match='holds files. Choose'):
        infer(*call)


def test_overwriting_goes_on_with_what_is_not_overwritten(
    files, tmp_path, monkeypatch
) -> None:
    out = tmp_path / 'out'
    call = (monkeypatch, files, out, 'student', 'images', None)
    infer(*call)
    old = {path: path.stat().st_mtime_ns for path in out.rglob('*.png')}
    for path in old:
        path.write_text('old')
    with FullDisk(tmp_path).after(4), pytest.raises(SystemExit):
        infer(*call, '--overwrite')
    new = [path for path in old if path.read_bytes() != b'old']
    assert len(new) == 3
    before = made_in(out)
    with pytest.raises(SystemExit, match='with another opacity[.]'):
        infer(*call, '--opacity', '0.1')
    infer(*call, '--overwrite')
    assert all(path.read_bytes() != b'old' for path in old)
    same = [
        name for name, time in made_in(out).items() if time == before[name]
    ]
    assert len(same) == 2


def test_clear_errors(files, tmp_path, monkeypatch) -> None:
    with pytest.raises(SystemExit, match='no such file or folder'):
        infer(monkeypatch, files, tmp_path / 'out', source='nothing')
    (tmp_path / 'kept').touch()
    with pytest.raises(SystemExit, match='--overwrite'):
        infer(monkeypatch, files, tmp_path)
    other = tiny_student(num_classes=7)
    Config(dict(model=other)).dump(str(tmp_path / 'other.py'))
    with pytest.raises(SystemExit, match='does not fit.*saved beside'):
        infer(
            monkeypatch,
            files,
            tmp_path / 'out',
            tmp_path / 'other',
            checkpoint='student',
        )
    with pytest.raises(SystemExit, match='kept is a file'):
        infer(monkeypatch, files, tmp_path / 'kept')
    (tmp_path / 'text.pth').write_text('no checkpoint')
    with pytest.raises(UsageError, match='text.pth is not a checkpoint'):
        read_weights(tmp_path / 'text.pth', 'student')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UsageError, match='no images'):
        find_images(tmp_path / 'empty')


def test_images_of_one_name_have_results_of_their_own(tmp_path) -> None:
    for name in ('a.png', 'a.jpg', 'a.jpg.png', 'b.png'):
        (tmp_path / name).touch()
    names = find_images(tmp_path)
    assert {name: path.name for name, path in names.items()} == {
        'a.png': 'a.png',
        'a.jpg': 'a.jpg',
        'a.jpg.png': 'a.jpg.png',
        'b': 'b.png',
    }


def test_patterns_that_lead_upwards(tmp_path, monkeypatch) -> None:
    """Results lie below --out, so what matches lies below the pattern."""
    for name in ('a/one.png', 'b/two.png', 'three.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3)))
    monkeypatch.chdir(tmp_path / 'a')
    for pattern in ('*/../../b/*.png', f'{tmp_path}/a*/../../*/b/*.png'):
        (tmp_path / 'a/sub').mkdir(exist_ok=True)
        with pytest.raises(UsageError, match='leaves .* outside --out'):
            find_images(pattern)
    # In front of the first wildcard they only say where the images are.
    for pattern, stem in (('../b/*.png', 'two'), ('../*.png', 'three')):
        assert set(find_images(pattern)) == {stem}
    assert set(find_images('../b/../a/*.png')) == {'one'}
    # Found by two ways is found once.
    assert set(find_images(f'{tmp_path}/*/../*/one.png')) == {'a/one'}
