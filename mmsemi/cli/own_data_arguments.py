"""What the commands for somebody's own images take."""

import argparse

from .options import add_trust_option, count


def _own_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('images', metavar='IMAGES', help='folder of images')
    parser.add_argument(
        'masks',
        metavar='MASKS',
        help='folder of masks, or a COCO JSON file; images without a mask '
        'are unlabeled',
    )
    parser.add_argument(
        '--mask-suffix',
        default='',
        metavar='TEXT',
        help='what names of masks have behind those of images, such as _mask',
    )
    parser.add_argument(
        '--classes',
        metavar='NAMES',
        help='a,b,c or 0=a,255=b or #000000=a,#ff0000=b, or a text file with '
        'one a line; default: found in the masks',
    )
    parser.add_argument(
        '--ignore-value',
        default='255',
        metavar='VALUE',
        help='value or #rrggbb color of pixels without a class; default 255',
    )
    parser.add_argument(
        '--background',
        choices=['class', 'ignore'],
        default='class',
        help='ignore: leave it out of loss and mean',
    )
    parser.add_argument(
        '--labeled-classes',
        metavar='CSV',
        help='which classes were drawn in images in which not all were, in '
        'lines such as image_1,car,tree; background is unknown there',
    )


def doctor(parser: argparse.ArgumentParser) -> None:
    _own_data(parser)
    parser.add_argument(
        '--out',
        metavar='FOLDER',
        help='write findings, and masks drawn over images, there',
    )
    parser.add_argument(
        '--html',
        metavar='FILE',
        help='write findings, and masks drawn over images, as one page',
    )
    parser.add_argument(
        '--json', action='store_true', help='print findings as JSON'
    )
    parser.add_argument(
        '--threads',
        type=count,
        default=8,
        metavar='N',
        help='files that are read at once',
    )


def number(text: str) -> int | str:
    """A number, or ``auto``."""
    try:
        return text if text == 'auto' else int(text)
    except ValueError:
        # The folder behind the option is taken for its number.
        raise argparse.ArgumentTypeError(
            f'{text!r} is no number. Give one, or put the option behind '
            'IMAGES and MASKS'
        ) from None


def fit(parser: argparse.ArgumentParser) -> None:
    _own_data(parser)
    parser.add_argument(
        '--out', required=True, metavar='RUN', help='folder for all results'
    )
    parser.add_argument(
        '--val',
        metavar='LIST',
        help='images to measure on: a list, or a folder below IMAGES; '
        'default: some of the labeled images are held out',
    )
    parser.add_argument(
        '--cross-validate',
        nargs='?',
        const='auto',
        type=number,
        metavar='K',
        help='for few labeled images: hold out every one of them once, in K '
        'parts (5, or fewer), and train K times more',
    )
    parser.add_argument(
        '--time',
        metavar='TIME',
        help='time for training, such as 30m or 2h; default 20m',
    )
    parser.add_argument(
        '--iters',
        type=int,
        metavar='N',
        help='iterations of each training, instead of a time',
    )
    parser.add_argument(
        '--method',
        default='auto',
        help='dst_cbc, mean_teacher, fixmatch, unimatch, supervised; default '
        'auto',
    )
    parser.add_argument(
        '--model',
        default='auto',
        help='small, unet, or a config with any mmseg model; default auto',
    )
    parser.add_argument(
        '--weights',
        metavar='FILE',
        help='checkpoint that the backbone starts from; default: random',
    )
    parser.add_argument(
        '--no-twin',
        dest='twin',
        action='store_false',
        help='do not train with the labeled images alone, to compare',
    )
    parser.add_argument(
        '--confidence',
        action='store_true',
        help='write how sure the model is of each pixel, too',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--resume', action='store_true', help='go on with a run that stopped'
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'run',
        metavar='RUN',
        help='folder that a training wrote, or its *.pth with the config '
        'beside it',
    )


def predict(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument(
        'images',
        metavar='IMAGES',
        help='folder of images (with all below it), image or quoted pattern',
    )
    parser.add_argument(
        '--out',
        required=True,
        metavar='DIR',
        help='for masks/ and confidence/, laid out like the images',
    )
    parser.add_argument(
        '--confidence',
        action='store_true',
        help='save confidences, too; 255 = certain',
    )
    parser.add_argument(
        '--encoding',
        choices=['original', 'palette', 'ids'],
        default='original',
        help='of the masks: as those came that the model learned from (where '
        'that is known, else palette), class ids with colors, class ids',
    )
    parser.add_argument(
        '--max-pixels',
        type=int,
        default=4_000_000,
        metavar='N',
        help='larger images go through the network in windows; default '
        '4000000',
    )
    parser.add_argument('--device', help='such as cpu or cuda:1')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace masks in DIR'
    )
    add_trust_option(parser)


def label_next(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument(
        '--number',
        type=int,
        default=20,
        metavar='N',
        help='images to choose; default 20',
    )
    parser.add_argument(
        '--images',
        metavar='FOLDER',
        help='unlabeled images, instead of those that mmsemi fit found',
    )
    parser.add_argument(
        '--candidates',
        type=int,
        metavar='N',
        help='look at N of the unlabeled images only, drawn at random',
    )
    parser.add_argument('--device', help='such as cpu or cuda:1')
    add_trust_option(parser)


def report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'run', metavar='RUN', help='folder that mmsemi fit wrote'
    )
