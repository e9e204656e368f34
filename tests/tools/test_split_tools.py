import json

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmsemi.cli.commands import COMMANDS
from mmsemi.cli.main import build_parser, run
from mmsemi.datasets.splits import read_list
from mmsemi.models.losses import ClassBalancedCrossEntropyLoss
from mmsemi.prepare.splits import nested_splits, write_lists
from mmsemi.utils.errors import UsageError


class Tool:
    """A command, by the words behind its name."""

    def __init__(self, name):
        self.name = name

    def main(self, words):
        arguments = vars(build_parser().parse_args([self.name, *words]))
        run(COMMANDS[arguments.pop('command')], arguments)


make_splits, import_splits = Tool('splits'), Tool('import-splits')
class_frequency = Tool('class-frequency')


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def published(data_dir, dataset):
    """(name of ours, kind, file) of the published lists."""
    folders = dict(
        voc12=['PASCAL_VOC_2012', 'derived_dms_voc'], cityscapes=['Cityscapes']
    )[dataset]
    for folder in folders:
        for path in (data_dir / 'splits/dst_cbc' / folder).glob('*_*.txt'):
            ratio, kind, k = path.stem.split('_')
            yield f'{ratio}_{k}', kind, path


def check_published(data_dir, dataset, out):
    seen = 0
    for name, kind, path in published(data_dir, dataset):
        ours = out / dataset / 'dst_cbc' / name / f'{kind}.txt'
        assert ours.read_bytes() == path.read_bytes(), path.name
        seen += 1
    assert seen > 20


def voc_root(tmp_path, data_dir):
    """VOC's lists and no images: enough to draw from."""
    lists = tmp_path / 'VOC2012/ImageSets/Segmentation'
    lists.mkdir(parents=True)
    source = data_dir / 'splits/dst_cbc/PASCAL_VOC_2012'
    stems = sorted(read_list(str(source / '1_labeled_0.txt')))
    (lists / 'trainaug.txt').write_text('\n'.join(stems))
    val = (data_dir / 'splits/u2pl/pascal/val.txt').read_text()
    (lists / 'val.txt').write_text(val)
    return tmp_path / 'VOC2012'


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('--ratios', '0'), '--ratios 0: .* at least 1'),
        (('--ratios', 'nan'), '--ratios nan'),
        (('--ratios', '4', '--seeds', '-1'), '--seeds -1: '),
    ],
)
def test_numbers_that_mean_nothing(tmp_path, words, message):
    for name in ('images', 'masks'):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / f'{name}/a.png'), np.zeros((4, 4), 'u1'))
    given = [f'--images={tmp_path}/images', f'--masks={tmp_path}/masks']
    given += ['--name=own', f'--out={tmp_path}', '--image-suffix=.png']
    with pytest.raises(UsageError, match=message):
        make_splits.main(['folder', *given, *words])


@pytest.mark.parametrize('option', ['--ratios', '--counts', '--min-images'])
def test_published_lists_have_their_sizes(tmp_path, option):
    words = ['voc', str(tmp_path), '--protocol', 'dst_cbc', option, '4']
    with pytest.raises(UsageError, match='dst_cbc .* published sizes'):
        make_splits.main(words)


def test_published_voc_lists_come_out(tmp_path, data_dir, capsys):
    root = voc_root(tmp_path, data_dir)
    make_splits.main(
        ['voc', str(root), '--protocol', 'dst_cbc', '--out', str(tmp_path)]
    )
    check_published(data_dir, 'voc12', tmp_path)
    output = capsys.readouterr()
    assert 'other lists' not in output.err
    assert 'no coverage' in output.out
    folder = tmp_path / 'voc12/dst_cbc/106-l_0'
    assert (folder / 'unlabeled.txt').read_bytes() == (
        folder.with_name('106_0') / 'unlabeled.txt'
    ).read_bytes()


def test_published_cityscapes_lists_come_out(tmp_path, data_dir):
    source = data_dir / 'splits/dst_cbc/Cityscapes/1_labeled_0.txt'
    for stem in read_list(str(source)):
        touch(tmp_path / f'city/leftImg8bit/train/{stem}_leftImg8bit.png')
    make_splits.main(
        [
            'cityscapes',
            str(tmp_path / 'city'),
            '--protocol',
            'dst_cbc',
            '--out',
            str(tmp_path),
            '--no-coverage',
        ]
    )
    check_published(data_dir, 'cityscapes', tmp_path)
    assert not (tmp_path / 'cityscapes/dst_cbc/1_0/unlabeled.txt').exists()


def test_other_images_are_noticed(tmp_path, capsys):
    for k in range(64):
        touch(tmp_path / f'leftImg8bit/train/a/a_{k}_leftImg8bit.png')
    make_splits.main(
        [
            'cityscapes',
            str(tmp_path),
            '--protocol',
            'dst_cbc',
            '--out',
            str(tmp_path),
            '--no-coverage',
        ]
    )
    assert 'other lists come out' in capsys.readouterr().err


def test_voc_1464(tmp_path, data_dir):
    root = voc_root(tmp_path, data_dir)
    train = read_list(str(data_dir / 'splits/u2pl/pascal/1464/labeled.txt'))
    lists = root / 'ImageSets/Segmentation'
    (lists / 'train.txt').write_text('\n'.join(sorted(train)))
    make_splits.main(
        [
            'voc',
            str(root),
            '--protocol',
            'voc_1464',
            '--aug',
            '--out',
            str(tmp_path),
            '--no-coverage',
            '--overwrite',
        ]
    )
    folder = tmp_path / 'voc12/voc_1464/1464'
    labeled, others = (
        read_list(str(folder / f'{name}.txt'))
        for name in ('labeled', 'unlabeled')
    )
    assert labeled == sorted(train) and len(others) == 9118
    assert read_list(str(lists / 'aug.txt')) == others


def test_aug_from_the_masks(tmp_path, capsys):
    lists = tmp_path / 'ImageSets/Segmentation'
    lists.mkdir(parents=True)
    (lists / 'train.txt').write_text('a\n')
    (lists / 'val.txt').write_text('v\n')
    for stem in 'abcv':
        touch(tmp_path / f'SegmentationClassAug/{stem}.png')
    make_splits.main(['voc', str(tmp_path), '--aug'])
    assert read_list(str(lists / 'aug.txt')) == ['b', 'c']
    assert read_list(str(lists / 'trainaug.txt')) == ['a', 'b', 'c']
    assert 'aug.txt 2' in capsys.readouterr().out


@pytest.fixture
def pets(tmp_path):
    """40 images, 30 with masks: class 2 in five of them only."""
    for k in range(40):
        touch(tmp_path / f'images/part{k % 2}/{k:02}.jpg')
        if k < 30:
            mask = np.zeros((20, 20), np.uint8)
            mask[10:] = 1
            mask[0] = 255
            if k < 5:
                mask[1:9, :10] = 2
            path = tmp_path / f'masks/part{k % 2}/{k:02}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), mask)
    return [
        'folder',
        '--images',
        str(tmp_path / 'images'),
        '--masks',
        str(tmp_path / 'masks'),
        '--name',
        'pets',
        '--out',
        str(tmp_path),
    ]


def test_nested_lists_of_a_folder(pets, tmp_path, capsys):
    (tmp_path / 'val.txt').write_text('part0/00\n')
    make_splits.main(
        pets
        + [
            '--ratios',
            '10',
            '2.5',
            '--counts',
            '5',
            '--seeds',
            '0',
            '1',
            '--exclude',
            str(tmp_path / 'val.txt'),
        ]
    )
    folder = tmp_path / 'pets/random'
    for seed in (0, 1):
        names = ['1_10', '5', '1_2.5']
        lists = [
            read_list(str(folder / f'{name}/seed{seed}/labeled.txt'))
            for name in names
        ]
        assert [len(part) for part in lists] == [3, 5, 12]
        assert lists[2][:5] == lists[1] and lists[1][:3] == lists[0]
        for name, labeled in zip(names, lists):
            others = read_list(
                str(folder / f'{name}/seed{seed}/unlabeled.txt')
            )
            assert len(set(labeled) | set(others)) == 39
            assert 'part0/00' not in others + labeled
    output = capsys.readouterr().out
    assert '1_2.5/seed0' in output and '1:12' in output
    assert '255:' not in output


def test_lists_are_drawn_until_every_class_is_in(pets, tmp_path):
    make_splits.main(
        pets
        + [
            '--counts',
            '3',
            '--seeds',
            '0',
            '1',
            '2',
            '--min-images',
            '2',
            '--min-pixels',
            '5',
            '--no-coverage',
        ]
    )
    for seed in range(3):
        stems = read_list(
            str(tmp_path / f'pets/random/3/seed{seed}/labeled.txt')
        )
        assert sum(int(stem[-2:]) < 5 for stem in stems) >= 2
    with pytest.raises(UsageError, match='none of 1000 draws.*--min-images'):
        make_splits.main(pets + ['--counts', '3', '--min-images', '4'])
    with pytest.raises(UsageError, match='asks for 31 of 30'):
        make_splits.main(pets + ['--counts', '31'])
    with pytest.raises(UsageError, match='--ratios, --counts'):
        make_splits.main(pets)


def test_lists_are_not_overwritten(tmp_path):
    path = str(tmp_path / 'a/labeled.txt')
    write_lists({path: ['x']})
    write_lists({path: ['x']})
    with pytest.raises(UsageError, match='--overwrite'):
        write_lists({str(tmp_path / 'new.txt'): ['z'], path: ['y']})
    assert not (tmp_path / 'new.txt').exists()
    write_lists({path: ['y']}, overwrite=True)
    assert read_list(path) == ['y']


def test_same_seed_same_lists():
    stems = [f'{k}' for k in range(20)]
    first = list(nested_splits(stems, {'a': 4}, [0, 1]))
    assert first == list(nested_splits(stems[::-1], {'a': 4}, [0, 1]))
    assert first[0].labeled != first[1].labeled


def test_import_dst_cbc(tmp_path, data_dir):
    import_splits.main(
        [str(data_dir / 'splits/dst_cbc'), '--out', str(tmp_path)]
    )
    for dataset, number in (('voc12', 20), ('cityscapes', 19)):
        check_published(data_dir, dataset, tmp_path)
        tiny = tmp_path / dataset / 'dst_cbc/valtiny.txt'
        assert len(read_list(str(tiny))) == number


@pytest.mark.parametrize(
    'family, folders',
    [
        ('u2pl', dict(pascal='voc12', cityscapes='cityscapes')),
        ('unimatch', dict(pascal='voc12', cityscapes='cityscapes')),
    ],
)
def test_import_named_folders(tmp_path, data_dir, family, folders):
    source = data_dir / 'splits' / family
    import_splits.main([str(source), '--out', str(tmp_path)])
    for folder, dataset in folders.items():
        total = dict(voc12=10582, cityscapes=2975)[dataset]
        names = [
            path.name for path in (source / folder).iterdir() if path.is_dir()
        ]
        assert len(names) >= 4
        for name in names:
            ours = tmp_path / dataset / family / name
            labeled, others = (
                read_list(str(ours / f'{kind}.txt'))
                for kind in ('labeled', 'unlabeled')
            )
            assert len(labeled) + len(others) == total
            stem = labeled[0]
            assert '.' not in stem and ('/' in stem) == (folder != 'pascal')
            line = (
                (source / folder / name / 'labeled.txt').read_text().split()[0]
            )
            assert stem in line


@pytest.fixture
def small_source(tmp_path):
    source = tmp_path / 'source'
    for name, lines in {
        '8/labeled': ['JPEGImages/a.jpg SegmentationClass/a.png'],
        '8/unlabeled': ['JPEGImages/b.jpg SegmentationClass/b.png'],
        'val': ['JPEGImages/v.jpg SegmentationClass/v.png'],
    }.items():
        touch(source / f'{name}.txt')
        (source / f'{name}.txt').write_text('\n'.join(lines))
    return source


def test_import_checks_overlap(small_source, tmp_path):
    args = [str(small_source), '--out', str(tmp_path / 'out')]
    (small_source / 'val.txt').write_text('JPEGImages/b.jpg x.png')
    with pytest.raises(
        UsageError, match="'b' is in both.*unlabeled images of 8.*validation"
    ):
        import_splits.main(args)
    (small_source / '8/labeled.txt').write_text('a\nb\n')
    with pytest.raises(UsageError, match="'b' is in both the labeled"):
        import_splits.main(args)
    assert not (tmp_path / 'out').exists()
    (small_source / '8/labeled.txt').write_text('a\n')
    (small_source / 'val.txt').write_text('v')
    (tmp_path / 'mine.txt').write_text('a\n')
    with pytest.raises(UsageError, match="'a' is in both"):
        import_splits.main(args + ['--val', str(tmp_path / 'mine.txt')])
    import_splits.main(args + ['--protocol', 'mine'])
    assert (tmp_path / 'out/voc12/mine/8/labeled.txt').read_text() == 'a\n'


def test_import_checks_files(small_source, tmp_path):
    root = tmp_path / 'VOC2012'
    for place in (
        'JPEGImages/a.jpg',
        'JPEGImages/b.jpg',
        'JPEGImages/v.jpg',
        'SegmentationClassAug/a.png',
    ):
        touch(root / place)
    args = [
        str(small_source),
        '--out',
        str(tmp_path / 'out'),
        '--data-root',
        f'voc12={root}',
    ]
    with pytest.raises(UsageError, match='ClassAug/v.png: val mask of'):
        import_splits.main(args)
    touch(root / 'SegmentationClassAug/v.png')
    import_splits.main(args)  # no mask of b: it is unlabeled
    (root / 'JPEGImages/b.jpg').unlink()
    with pytest.raises(UsageError, match='JPEGImages/b.jpg: unlabeled'):
        import_splits.main(args)
    with pytest.raises(UsageError, match='one of voc12, cityscapes, gta5'):
        import_splits.main(args[:-1] + ['ade=/'])


def test_import_crst(tmp_path, data_dir, capsys):
    source = data_dir / 'splits/crst'
    import_splits.main([str(source), '--out', str(tmp_path)])
    ours = tmp_path / 'gta5_to_cityscapes/crst/505'
    assert (ours / 'labeled.txt').read_bytes() == (
        source / 'gta5_train_19984.txt'
    ).read_bytes()
    assert (ours / 'unlabeled.txt').read_bytes() == (
        source / 'cityscapes_clsconfset_505.txt'
    ).read_bytes()
    assert '19984 labeled, 505 unlabeled' in capsys.readouterr().out


@pytest.fixture
def crst_repository(tmp_path):
    """Lists as in the authors' repository: image, tab, mask."""
    lists = tmp_path / 'CRST/dataset/list'
    for name, lines in {
        'gta5/train.lst': [
            'images/00001.png\tlabels/00001.png',
            'images/00002.png\tlabels/00002.png',
        ],
        'cityscapes/train_ClsConfSet.lst': [
            'leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png\t'
            'gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png'
        ],
    }.items():
        touch(lists / name)
        (lists / name).write_text('\n'.join(lines))
    return lists


def test_import_crst_repository(crst_repository, tmp_path):
    games, cities = tmp_path / 'gta5', tmp_path / 'cityscapes'
    touch(cities / 'leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png')
    for place in (
        'images/00001.png',
        'labels/00001_labelTrainIds.png',
        'images/00002.png',
    ):
        touch(games / place)
    args = [
        str(tmp_path / 'CRST'),
        '--out',
        str(tmp_path / 'out'),
        '--data-root',
        f'gta5={games}',
        f'cityscapes={cities}',
    ]
    with pytest.raises(UsageError, match='labels/00002.*labeled mask'):
        import_splits.main(args)
    touch(games / 'labels/00002.png')
    import_splits.main(args)  # targets need no masks
    folder = tmp_path / 'out/gta5_to_cityscapes/crst/1'
    assert read_list(str(folder / 'labeled.txt')) == ['00001', '00002']
    assert read_list(str(folder / 'unlabeled.txt')) == [
        'ulm/ulm_000000_000019'
    ]
    next(cities.rglob('*.png')).unlink()
    with pytest.raises(UsageError, match='leftImg8bit.png: unlabeled image'):
        import_splits.main(args)
    (crst_repository / 'gta5/train.lst').unlink()
    with pytest.raises(UsageError, match='0 lists named gta5/train.lst'):
        import_splits.main(args)


def test_import_from_a_wrong_folder(tmp_path):
    with pytest.raises(UsageError, match='Name the folder'):
        import_splits.main([str(tmp_path)])
    with pytest.raises(UsageError, match='no such folder'):
        import_splits.main([str(tmp_path / 'absent')])
    (tmp_path / '8_labeled_0.txt').write_text('a\n')
    with pytest.raises(UsageError, match='8_unlabeled_0.txt'):
        import_splits.main([str(tmp_path)])


def test_class_frequency(tmp_path, data_dir, capsys):
    root = data_dir / 'camvid'
    labeled = tmp_path / 'labeled.txt'
    labeled.write_text(
        '\n'.join(read_list(str(root / 'splits/1_16/seed0/labeled.txt'))[:3])
    )
    config = Config(
        dict(
            train_dataloader=dict(
                dataset=dict(
                    type='CamVidDataset',
                    ann_file='all.txt',
                    pipeline=[],
                    data_prefix=dict(
                        img_path=str(root / 'images/train'),
                        seg_map_path=str(root / 'annotations/train'),
                    ),
                )
            )
        )
    )
    config.dump(str(tmp_path / 'config.py'))
    out = tmp_path / 'frequency.json'
    args = [str(tmp_path / 'config.py'), str(out), '--split', str(tmp_path)]
    class_frequency.main(args)
    content = json.loads(out.read_text())
    expected = np.zeros(256, int)
    for stem in read_list(str(labeled)):
        mask = cv2.imread(str(root / f'annotations/train/{stem}.png'), -1)
        expected += np.bincount(mask.ravel(), minlength=256)
    assert content['counts'] == expected[:11].tolist()
    assert content['classes'][3] == 'road' and content['images'][3] == 3
    loss = ClassBalancedCrossEntropyLoss(
        mode='sqrt_inverse', class_frequency=str(out)
    )
    printed = next(
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('road')
    )
    assert f'{loss.class_weight[3]:.3f}' in printed
    with pytest.raises(UsageError, match='--overwrite'):
        class_frequency.main(args)


def draw(tmp_path, images, masks, *options):
    make_splits.main(
        ['folder', '--name', 'x', '--seeds', '0', '--counts', '1']
        + ['--images', str(images), '--masks', str(masks)]
        + ['--out', str(tmp_path / 'out'), *options]
    )
    folder = tmp_path / 'out/x/random/1/seed0'
    return sorted(
        read_list(str(folder / 'labeled.txt'))
        + read_list(str(folder / 'unlabeled.txt'), allow_empty=True)
    )


def picture(path, mask=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((20, 20) if mask else (20, 20, 3), np.uint8)
    image[10:] = 1
    cv2.imwrite(str(path), image)


def test_masks_beside_images_are_no_images(tmp_path, capsys):
    for k in range(3):
        picture(tmp_path / f'b/benign ({k}).png')
        picture(tmp_path / f'b/benign ({k})_mask.png', mask=True)
    picture(tmp_path / 'b/benign (0)_mask_1.png', mask=True)
    picture(tmp_path / 'b/normal.png')
    suffixes = ('--image-suffix', '.png', '--mask-suffix')
    found = draw(
        tmp_path, tmp_path / 'b', tmp_path / 'b', *suffixes, '_mask.png'
    )
    assert found == ['benign (0)', 'benign (1)', 'benign (2)', 'normal']
    assert 'left out: 4 .png' in capsys.readouterr().out
    with pytest.raises(UsageError, match='nothing tells them apart'):
        draw(tmp_path, tmp_path / 'b', tmp_path / 'b', *suffixes, '.png')


def test_masks_with_another_suffix_beside_images(tmp_path):
    for k in range(2):
        picture(tmp_path / f'b/{k}.jpg')
        picture(tmp_path / f'b/{k}_gt.png', mask=True)
    options = ('--mask-suffix', '_gt.png')
    assert draw(tmp_path, tmp_path / 'b', tmp_path / 'b', *options) == [
        '0',
        '1',
    ]


def test_files_of_other_suffixes_are_named(tmp_path, capsys):
    for name in ('a.jpg', 'b.jpg', 'c.JPG', 'd.jpeg', 'e.png', 'notes.txt'):
        picture(tmp_path / f'images/{name}') if name[0] != 'n' else touch(
            tmp_path / f'images/{name}'
        )
    for name in 'abc':
        picture(tmp_path / f'masks/{name}.png', mask=True)
    found = draw(tmp_path, tmp_path / 'images', tmp_path / 'masks')
    output = capsys.readouterr().out
    assert found == ['a', 'b']
    assert 'left out: 1 .JPG, 1 .jpeg, 1 .png, such as c.JPG' in output
    assert 'left out: 1 .png, such as c.png: masks without' in output
    with pytest.raises(UsageError, match='no image ends with .tif'):
        draw(
            tmp_path,
            tmp_path / 'images',
            tmp_path / 'masks',
            '--image-suffix',
            '.tif',
        )


def test_folders_behind_links_and_hidden_files(tmp_path):
    for name in ('real/images/a.jpg', 'images/sub/b.jpg'):
        picture(tmp_path / name)
    picture(tmp_path / 'real/masks/a.png', mask=True)
    picture(tmp_path / 'masks/sub/b.png', mask=True)
    for kind in ('images', 'masks'):
        (tmp_path / kind / 'link').symlink_to(tmp_path / 'real' / kind)
        (tmp_path / kind / 'loop').symlink_to(tmp_path / kind)
    for path in ('images/sub/._b.jpg', 'masks/sub/._b.png', 'images/.x.jpg'):
        (tmp_path / path).write_bytes(b'\0\5\x16\7')
    found = draw(tmp_path, tmp_path / 'images', tmp_path / 'masks')
    assert found == ['link/a', 'sub/b']


@pytest.mark.parametrize(
    'spoil, words',
    [
        (lambda path: path.write_bytes(b'no image'), 'cannot be read'),
        (
            lambda path: cv2.imwrite(str(path), np.zeros((9, 9, 3))),
            'color picture',
        ),
    ],
)
def test_useless_masks_stop_before_lists_are_written(tmp_path, spoil, words):
    picture(tmp_path / 'images/a.jpg')
    picture(tmp_path / 'images/b.jpg')
    for name in 'ab':
        picture(tmp_path / f'masks/{name}.png', mask=True)
        spoil(tmp_path / f'masks/{name}.png')
    with pytest.raises(UsageError, match=words):
        draw(tmp_path, tmp_path / 'images', tmp_path / 'masks')
    assert not (tmp_path / 'out').exists()


def bring(tmp_path, *options):
    import_splits.main(
        [str(tmp_path / 'in'), '--out', str(tmp_path / 'out'), *options]
    )
    return {
        path.relative_to(tmp_path / 'out').parent.as_posix(): read_list(
            str(path)
        )
        for path in (tmp_path / 'out').rglob('labeled.txt')
    }


def lists(folder, labeled, unlabeled):
    folder.mkdir(parents=True)
    (folder / 'labeled.txt').write_bytes(labeled)
    (folder / 'unlabeled.txt').write_bytes(unlabeled)


def test_a_tree_of_ratios_keeps_its_folders(tmp_path):
    tree = tmp_path / 'in/dataset/splits/pascal'
    for ratio, stem in (('1_16', b'a'), ('1_8', b'b')):
        for k in range(2):
            line = b'JPEGImages/%s%d.jpg SegmentationClass/%s%d.png\n'
            lists(
                tree / ratio / f'split_{k}', line % (stem, k, stem, k), b'z\n'
            )
    assert bring(tmp_path) == {
        'voc12/unimatch/1_16/split_0': ['a0'],
        'voc12/unimatch/1_16/split_1': ['a1'],
        'voc12/unimatch/1_8/split_0': ['b0'],
        'voc12/unimatch/1_8/split_1': ['b1'],
    }


@pytest.mark.parametrize(
    'line, stem',
    [
        (b'scan 1 left.jpg', 'scan 1 left'),
        (b'scan 1 left', 'scan 1 left'),
        (b'a b.jpg  c d.png', 'a b'),
        (b'img1.jpg,mask1.png', 'img1'),
        (b'img1.jpg;mask1.png', 'img1'),
        (b'img1.jpg\tmask1.png', 'img1'),
        (b'IMG_1.JPG', 'IMG_1'),
        (b'x.tif', 'x'),
        (b'y.jpeg', 'y'),
        (b'1,5 mm.png', '1,5 mm'),
        (b'\xef\xbb\xbfJPEGImages/2008_1.jpg', '2008_1'),
        (b'sub\\x.PNG', 'sub/x'),
        (b'/JPEGImages/2008_1.jpg /SegmentationClass/2008_1.png', '2008_1'),
    ],
)
def test_the_image_of_a_line(tmp_path, line, stem):
    lists(tmp_path / 'in/1_2', line + b'\n', b'other.jpg\n')
    assert list(bring(tmp_path).values()) == [[stem]]


def test_files_of_one_name_are_refused_and_suffixes_named(tmp_path, capsys):
    lists(tmp_path / 'in/1_2', b'a.jpg\nb.PNG\n', b'c.jpg\n')
    bring(tmp_path)
    assert 'images end with .jpg (2), .PNG (1)' in capsys.readouterr().out
    (tmp_path / 'in/1_2/labeled.txt').write_text('a.jpg\na.png\n')
    with pytest.raises(UsageError, match="'a.jpg' and 'a.png' both name"):
        bring(tmp_path)
