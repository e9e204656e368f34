"""Cost of labeling a set, relative to one plain inference pass over it.

    python benchmarks/labeling.py \
        configs/dst_cbc/camvid_1-16.py

Passes over the same images take turns in one process: plain inference
(load, network, up-sampling, argmax), the one-pass rule, the scaled rule in two
passes, and the scaled rule with compact logits. Weights are random unless a
checkpoint is given; they do not matter for the time.
"""

import argparse
import copy
import statistics
import tempfile
import time
from collections import defaultdict

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint

from mmsemi.pseudo_labels.store import PseudoLabelStore
from mmsemi.registry import MODELS
from mmsemi.self_training.batch_predictor import BatchPredictor
from mmsemi.self_training.labeling import LabelingPass


@torch.no_grad()
def inference(predictor, loader) -> None:
    """What any evaluation does for every image."""
    segmentor = predictor.segmentor
    for batch in loader:
        inputs, _ = predictor.prepare(batch)
        size = inputs.shape[-2:]
        metas = [dict(img_shape=size, ori_shape=size, pad_shape=size)] * len(
            inputs
        )
        segmentor.inference(inputs, metas).argmax(1).byte().cpu()


def labeling(predictor, loader, classes, folder, rule, **kwargs) -> None:
    labeler = MODELS.build(
        dict(
            type='ClassBalancedPseudoLabeler',
            num_classes=classes,
            rule=rule,
            stride=16 if rule == 'scaled' else 1,
        )
    )
    LabelingPass(
        predictor, loader, labeler, PseudoLabelStore(folder), **kwargs
    ).run(1, 0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config')
    parser.add_argument('--checkpoint')
    parser.add_argument('--images', type=int, help='only the first so many')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument(
        '--audit',
        action='store_true',
        help='also compare with ground truth, as in training',
    )
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={}
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope('mmsemi')
    model_cfg = copy.deepcopy(cfg.model)
    model_cfg.get('student', model_cfg).backbone.pop('init_cfg', None)
    model = MODELS.build(model_cfg)
    if args.checkpoint:
        load_checkpoint(model, args.checkpoint, 'cpu', strict=True)
    if torch.cuda.is_available():
        model.cuda()
    predictor = BatchPredictor(model.eval())
    if args.images:
        cfg.label_dataloader.dataset.dataset.indices = args.images
    loader = Runner.build_dataloader(cfg.label_dataloader, seed=0)
    classes = len(loader.dataset.metainfo['classes'])

    times = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        shared = (predictor, loader, classes, folder)
        audit = dict(audit=args.audit)
        sides = {
            'plain inference': lambda: inference(predictor, loader),
            'argmax rule': lambda: labeling(*shared, 'argmax', **audit),
            'scaled rule': lambda: labeling(*shared, 'scaled', **audit),
            'scaled rule, compact logits': lambda: labeling(
                *shared, 'scaled', compact_logits=True, **audit
            ),
        }
        next(iter(loader))
        for _ in range(args.repeats):
            for name, side in sides.items():
                start = time.perf_counter()
                side()
                times[name].append(time.perf_counter() - start)
    print(
        f'{len(loader.dataset)} images, {args.repeats} rounds, '
        f'{args.threads} thread(s)'
    )
    plain = times['plain inference']
    for name, seconds in times.items():
        ratios = [a / b for a, b in zip(seconds, plain)]
        print(
            f'{name:28s} {statistics.median(seconds):7.2f} s   '
            f'{statistics.median(ratios):.2f} x plain '
            f'({min(ratios):.2f} to {max(ratios):.2f})'
        )


if __name__ == '__main__':
    main()
