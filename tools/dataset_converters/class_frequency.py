"""Count the pixels of each class in the labeled masks of a config.

Writes what ``ClassBalancedCrossEntropyLoss(class_frequency=FILE)`` reads, and
prints the weights that follow::

    python tools/dataset_converters/class_frequency.py \
        configs/dst_cbc/voc_1464.py class_frequency.json
"""

import argparse
import os
import sys
from pathlib import Path

from mmengine.registry import init_default_scope

from mmsemi.apis.config import load_config
from mmsemi.doctor.lists import collect
from mmsemi.doctor.masks import count_pixels
from mmsemi.io.files import write_json
from mmsemi.models.losses.class_balanced_cross_entropy import (
    MODES,
    class_weights_from_frequency,
)
from mmsemi.utils.errors import UsageError


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config with the labeled images')
    parser.add_argument('out', help='json file to write')
    parser.add_argument(
        '--split', metavar='FOLDER', help='use the lists of this folder'
    )
    parser.add_argument('--overwrite', action='store_true')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    if os.path.exists(args.out) and not args.overwrite:
        raise UsageError(f'{args.out} exists. Replace it with --overwrite')
    cfg = load_config(args.config, split=args.split)
    init_default_scope('mmsemi')
    labeled = [part for part in collect(cfg, ('labeled',)) if part.masks]
    if not labeled:
        raise UsageError(f'{args.config}: no labeled dataset with mask files')
    classes = labeled[0].classes
    pixels = images = 0
    for part in labeled:
        part.check_files()
        part_pixels, part_images = count_pixels(part)
        pixels, images = pixels + part_pixels, images + part_images
    counts = pixels[: len(classes)].tolist()
    content = dict(
        classes=list(classes),
        counts=counts,
        images=images[: len(classes)].tolist(),
        lists=[part.source for part in labeled],
    )
    out = Path(args.out)
    write_json(out.parent, out.name, content)
    weights = {
        mode: class_weights_from_frequency(
            content['images'] if mode == 'effective_number' else counts, mode
        ).tolist()
        for mode in MODES
    }
    print(
        f'{"class":20} {"pixels":>12} {"images":>7} '
        + ' '.join(f'{mode:>16}' for mode in MODES)
    )
    for k, name in enumerate(classes):
        print(
            f'{name:20} {counts[k]:12d} {content["images"][k]:7d} '
            + ' '.join(f'{weights[mode][k]:16.3f}' for mode in MODES)
        )
    print(f'{args.out} written (effective_number above is of images)')


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
