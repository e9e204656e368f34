"""configs/dst_cbc/voc_1464.py on real pictures, killed by SIGKILL."""

import time

import cv2
import pytest

from tests.conftest import ROOT
from tests.processes import run_script, start_script

TRAIN = ROOT / 'tools/train.py'
LISTS = dict(train=6, aug=8, val=2)
CROP = '(65,65)'


@pytest.fixture(scope='module')
def voc(data_dir, tmp_path_factory):
    """A tree in VOC layout from CamVid pictures, a third of their size."""
    root = tmp_path_factory.mktemp('data') / 'VOCdevkit/VOC2012'
    for folder in (
        'JPEGImages',
        'SegmentationClassAug',
        'ImageSets/Segmentation',
    ):
        (root / folder).mkdir(parents=True)
    images = sorted((data_dir / 'camvid/images/train').glob('*.jpg'))
    images = iter(images[:: len(images) // sum(LISTS.values())])
    for name, number in LISTS.items():
        stems = []
        for _ in range(number):
            path = next(images)
            stems.append(path.stem)
            mask = data_dir / f'camvid/annotations/train/{path.stem}.png'
            for source, target, how in (
                (path, f'JPEGImages/{path.stem}.jpg', cv2.INTER_AREA),
                (
                    mask,
                    f'SegmentationClassAug/{path.stem}.png',
                    cv2.INTER_NEAREST,
                ),
            ):
                picture = cv2.imread(str(source), cv2.IMREAD_UNCHANGED)
                cv2.imwrite(
                    str(root / target),
                    cv2.resize(picture, (160, 120), interpolation=how),
                )
        (root / f'ImageSets/Segmentation/{name}.txt').write_text(
            '\n'.join(stems) + '\n'
        )
    return root


def command(voc, work_dir, *extra):
    """The published config with small sizes and few iterations."""
    config = work_dir.with_suffix('.py')
    # The recording hook is all that is not an option.
    config.write_text(
        f"_base_ = '{ROOT}/configs/dst_cbc/voc_1464.py'\n"
        "custom_imports = dict(imports=['mmsemi', 'tests.tiny'])\n"
        "hooks = dict(record=dict(type='RecordHook'))\n"
    )
    folder = f'{voc}/ImageSets/Segmentation'
    options = {
        'model.student.init_cfg': 'None',
        'model.student.backbone.depth': 18,
        'model.student.backbone.stem_channels': 8,
        'model.student.backbone.base_channels': 8,
        'model.student.decode_head.in_channels': 64,
        'train_cfg.supervised_iters': 2,
        'train_cfg.portions': '(0.3,0.6)',
        'train_cfg.iters_per_round': 5,
        'default_hooks.checkpoint.interval': 2,
        'data.labeled.data_prefix.img_path': f'{voc}/JPEGImages',
        'data.labeled.data_prefix.seg_map_path': f'{voc}/SegmentationClassAug',
        'data.splits.1464.lists': f'({folder}/train.txt,{folder}/aug.txt)',
        'data.val.ann_file': f'{folder}/val.txt',
        'data.crop_size': CROP,
        'data.test_pad': '(129,161)',
        'data.num_workers': 0,
        'data.batch.alone': 4,
        'data.batch.labeled': 2,
        'data.batch.unlabeled': 2,
        'data.batch.label': 2,
    }
    return [
        str(config),
        '--work-dir',
        str(work_dir),
        *extra,
        '--cfg-options',
        *(f'{k}={v}' for k, v in options.items()),
    ]


def trained(work_dir):
    """``{iteration: [round, images]}``; the rate is left out."""
    path = work_dir / 'record.txt'
    lines = path.read_text().splitlines() if path.exists() else []
    fields = [line.split() for line in lines]
    return {int(f[0]): [f[1], *f[3:]] for f in fields if len(f) == 7}


def labels(work_dir):
    return {
        str(p.relative_to(work_dir)): p.read_bytes()
        for p in sorted(work_dir.glob('pseudo_labels/round_*/labels/*.png'))
    }


def test_killed_in_the_second_round(voc, tmp_path):
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    log = tmp_path / 'log.txt'
    run_script(TRAIN, *command(voc, whole), log=log)
    process = start_script(TRAIN, *command(voc, killed), log=log)
    while process.is_alive() and 8 not in trained(killed):
        time.sleep(0.02)
    process.kill()
    process.join()
    done = trained(killed)
    assert 8 in done and 11 not in done, 'not killed in the second round'
    run_script(TRAIN, *command(voc, killed, '--resume'), log=log)
    assert sorted(trained(killed)) == list(range(12))
    assert trained(killed) == trained(whole)
    assert labels(killed) == labels(whole)
    assert len(labels(whole)) == 2 * LISTS['aug']
