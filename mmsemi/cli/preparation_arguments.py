"""What the commands take that prepare lists, masks and weights."""

import argparse

from .options import add_config, count


class Folders(argparse.Action):
    """``name=folder ...`` as a dict."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        pairs = (value.partition('=') for value in values)
        setattr(namespace, self.dest, {key: path for key, _, path in pairs})


def _overwrite(parser: argparse.ArgumentParser, help: str) -> None:
    parser.add_argument('--overwrite', action='store_true', help=help)


def _workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--workers',
        type=count,
        metavar='N',
        help='files worked on at once; default: one a processor',
    )


def splits(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest='kind', required=True)
    voc = kinds.add_parser('voc', help='VOC 2012 with the masks of SBD')
    voc.add_argument('root', help='folder VOC2012')
    voc.add_argument(
        '--protocol',
        default='random',
        choices=['random', 'dst_cbc', 'voc_1464'],
        help="random nested lists; those of DST-CBC and DMT; VOC's own train "
        'against the rest of trainaug',
    )
    voc.add_argument(
        '--aug',
        action='store_true',
        help='write ImageSets/Segmentation/{aug,trainaug}.txt',
    )
    city = kinds.add_parser('cityscapes', help='Cityscapes')
    city.add_argument('root', help='folder with leftImg8bit and gtFine')
    city.add_argument(
        '--protocol',
        default='random',
        choices=['random', 'dst_cbc'],
        help='random nested lists; those of DST-CBC and DMT',
    )
    other = kinds.add_parser('folder', help='any images and masks')
    other.set_defaults(protocol='random')
    other.add_argument('--images', required=True, help='folder of images')
    other.add_argument('--masks', required=True, help='folder of masks')
    other.add_argument('--name', required=True, help='name of the data set')
    other.add_argument('--image-suffix', default='.jpg', metavar='TEXT')
    other.add_argument('--mask-suffix', default='.png', metavar='TEXT')
    other.add_argument(
        '--exclude', metavar='LIST', help='list of images to leave out'
    )
    for sub in (voc, city, other):
        _draws(sub)


def _draws(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--out',
        default='data/splits',
        metavar='FOLDER',
        help='lists go to <out>/<data set>/<protocol>/<name>/',
    )
    parser.add_argument(
        '--ratios',
        type=float,
        nargs='+',
        default=(),
        metavar='N',
        help='label one image in so many',
    )
    parser.add_argument(
        '--counts',
        type=int,
        nargs='+',
        default=(),
        metavar='N',
        help='label so many images',
    )
    parser.add_argument(
        '--seeds',
        type=int,
        nargs='+',
        default=(0, 1, 2),
        metavar='N',
        help='one draw for each; default 0 1 2',
    )
    parser.add_argument(
        '--min-pixels',
        type=int,
        default=64,
        metavar='N',
        help='pixels for a class to count as present',
    )
    parser.add_argument(
        '--min-images',
        type=int,
        default=0,
        metavar='N',
        help='draw until the smallest list has every class in so many images',
    )
    parser.add_argument(
        '--no-coverage',
        dest='coverage',
        action='store_false',
        help='do not read masks to report classes',
    )
    _overwrite(parser, 'replace lists that differ')


def import_splits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'source',
        help='folder with lists of DST-CBC, DMT, U2PL, UniMatch, CPS, ST++ '
        'or CRST, or with folders of them',
    )
    parser.add_argument('--out', default='data/splits', metavar='FOLDER')
    parser.add_argument(
        '--protocol',
        metavar='NAME',
        help='folder name instead of dst_cbc, u2pl, unimatch or crst',
    )
    parser.add_argument(
        '--data-root',
        nargs='+',
        action=Folders,
        metavar='DATASET=FOLDER',
        help='check that the files exist, e.g. voc12=data/VOCdevkit/VOC2012',
    )
    parser.add_argument(
        '--val',
        metavar='LIST',
        help='validation list that no image may be in; val*.txt beside the '
        'lists are used in any case',
    )
    _overwrite(parser, 'replace lists that differ')


def _conversion(parser: argparse.ArgumentParser, folders: str) -> None:
    parser.add_argument('root', help=f'folder with {folders}')
    parser.add_argument('out', help='folder to write to')
    parser.add_argument(
        '--skip-bad',
        action='store_true',
        help='leave out images with a mask of another size',
    )
    _workers(parser)
    _overwrite(parser, 'replace files of another conversion')


def gta5(parser: argparse.ArgumentParser) -> None:
    _conversion(parser, 'images/ and labels/')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(1914, 1052),
        metavar=('WIDTH', 'HEIGHT'),
        help='of all images; default 1914 1052, as in CBST and CRST',
    )


def synthia(parser: argparse.ArgumentParser) -> None:
    _conversion(parser, 'RGB/ and GT/LABELS/')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('WIDTH', 'HEIGHT'),
        help='resize images and masks, to 2048 1024 in CRST; by default they '
        'keep their size, as in CBST',
    )
    parser.add_argument(
        '--lane-marking',
        choices=['ignore', 'road'],
        default='ignore',
        help='what lane markings become: ignored as in CBST (default), or '
        'road as in CRST',
    )


def class_frequency(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument('out', help='json file to write')
    parser.add_argument(
        '--split', metavar='FOLDER', help='use the lists of this folder'
    )
    _overwrite(parser, 'replace a file that exists')


def spatial_prior(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        '--out', required=True, metavar='FILE', help='.npz file to write'
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(1024, 2048),
        metavar=('HEIGHT', 'WIDTH'),
        help='of the prior; default 1024 2048',
    )
    parser.add_argument(
        '--sigma',
        type=float,
        metavar='PIXELS',
        help='standard deviation of the smoothing in pixels of that size; '
        'default 70/6 at a height of 1024',
    )
    _workers(parser)
    _overwrite(parser, 'replace a file that exists')


def class_embeddings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('out', help='.npz file to write')
    names = parser.add_mutually_exclusive_group(required=True)
    names.add_argument(
        '--names',
        metavar='FILE',
        help='a line for each class: its name, or name = words',
    )
    names.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='the same on the command line',
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        '--vectors',
        nargs='+',
        metavar='[KEY=]FILE',
        help='text or .npz; KEY is embeddings by default',
    )
    source.add_argument(
        '--pickle',
        nargs='+',
        metavar='[KEY=]FILE',
        help='one pickled array, rows in the order of names',
    )
    parser.add_argument(
        '--key',
        default='',
        metavar='NAME',
        help='array of the .npz, if it holds several',
    )
    parser.add_argument(
        '--words-only',
        action='store_true',
        help='do not look for joint entries',
    )
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='leave out words that the file lacks, as long as a class keeps '
        'one',
    )
    _overwrite(parser, 'replace a file that exists')
