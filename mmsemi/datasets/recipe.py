"""From the facts of a data set to the loaders of a run.

A config states in ``data`` what is true of its data whatever the method:
where images and masks are, how they are loaded, cropped and evaluated. Here
this becomes the pipelines and loaders of plain supervised training, of
rounds, or of methods that see unlabeled images in every iteration.
"""

import copy
from typing import Any

from mmsemi.registry import TRANSFORMS, is_type
from mmsemi.utils.errors import UsageError

from . import target_domain as domains
from .facts import check_regime, zero_label_metainfo
from .splits import below_root

PACK = [dict(type='PackSemiInputs')]
FLIPS = [
    dict(type='RandomFlip', prob=prob, direction='horizontal')
    for prob in (0.0, 1.0)
]


class Recipe:
    """Pipelines and loaders of one data set.

    Args:
        data: facts, with variant and split settled.
        regime: ``supervised``, ``rounds`` or ``online``.
    """

    def __init__(self, data: dict, regime: str) -> None:
        check_regime(data, regime)
        self.data, self.regime = copy.deepcopy(dict(data)), regime
        self.batch = self.data.get('batch') or {}
        self.zero_label = self.data.get('zero_label')
        self.shares = domains.labeled_shares(self.data, self.batch)

    # Steps that pipelines share.
    def image(self) -> list[dict]:
        return [{'type': 'LoadImageFromFile', **self.data.get('load', {})}]

    def mask(self) -> list[dict]:
        return [dict(type='LoadMask')]

    def resize(self, role: str | None = None) -> list[dict]:
        given = self.data.get(f'{role}_resize') if role else None
        given = self.data.get('resize') if given is None else given
        return self.sized(given or [])

    def sized(self, steps: list[dict]) -> list[dict]:
        """Transforms that name no size get that of the crop."""
        crop, steps = self.data.get('crop_size'), copy.deepcopy(steps)
        keys = dict(
            RandomCrop='crop_size',
            RareClassCrop='crop_size',
            PadSegFields='size',
        )
        for step in steps if crop is not None else []:
            for name, key in keys.items():
                if is_type(step, TRANSFORMS, name):
                    step.setdefault(key, crop)
        return steps

    def augment(self, name: str = 'augment') -> list[dict]:
        given = self.data.get(name)
        return self.sized(self.data['augment'] if given is None else given)

    def class_ids(self, evaluate: bool = False) -> list[dict]:
        if not self.zero_label:
            return []
        facts = {
            key: self.zero_label[key]
            for key in ('file_classes', 'classes', 'num_seen')
        }
        step = dict(type='MapZeroLabels', **facts)
        return [dict(step, evaluate=True)] if evaluate else [step]

    # Pipelines.
    def train(self, augment: str = 'augment') -> list[dict]:
        """Labeled images alone."""
        return (
            self.image()
            + self.mask()
            + self.resize()
            + self.augment(augment)
            + self.class_ids()
            + PACK
        )

    def sup(self) -> list[dict]:
        """Labeled images beside others."""
        steps = self.image() + self.mask() + self.resize()
        return (
            steps
            + self.augment('sup_augment')
            + [dict(type='MultiBranch', sup=PACK)]
        )

    def paste(self) -> list[dict]:
        """Labeled images to paste into others (AEL)."""
        steps = self.image() + self.mask() + self.resize()
        return (
            steps
            + self.sized(self.data['paste'])
            + [dict(type='MultiBranch', paste=PACK)]
        )

    def pseudo(self) -> list[dict]:
        """Images with the pseudo-labels of a round."""
        load: dict[str, Any] = dict(type='LoadPseudoLabel')
        if not self.data.get('match_image', True):
            load['match_image'] = False
        return (
            self.image()
            + self.resize()
            + [load]
            + self.augment('round_augment')
            + [dict(type='MultiBranch', pseudo=PACK)]
        )

    def unsup(self) -> list[dict]:
        """Unlabeled images: a weak view and strong ones of one geometry."""
        start = self.image() + [dict(type='InitValidMap')] + self.resize()
        stream = [*self.augment(), self.views('unsup')]
        if not self.data.get('second_stream'):
            return start + stream
        streams = [stream, [*self.augment(), self.views('partner')]]
        return start + [dict(type='MultiStream', streams=streams)]

    def views(self, name: str) -> dict:
        """A weak view and strong ones of one crop."""
        strong = list(self.data.get('strong') or []) + PACK
        views = {
            f'{name}_student{"" if k == 1 else f"_{k}"}': strong
            for k in range(1, self.data.get('views', 1) + 1)
        }
        return dict(type='MultiBranch', **{f'{name}_teacher': PACK}, **views)

    def label(self) -> list[dict]:
        """Whole images, to be labeled."""
        resize = self.resize('label')
        return self.image() + (resize or self._pad()) + PACK

    def _pad(self) -> list[dict]:
        size = self.data.get('test_pad')
        return [dict(type='PadSegFields', size=size)] if size else []

    def test(self) -> list[dict]:
        """Whole images and masks, to be evaluated."""
        resize = self.resize('test')
        steps = self.mask() + resize if resize else self._pad() + self.mask()
        if resize:
            # The size compared at is that of the resized masks.
            steps = steps + [dict(type='SetOriShape')]
        return self.image() + steps + self.class_ids(evaluate=True) + PACK

    def tta(self) -> list[dict]:
        """Several views of an image, to be averaged; masks fit the first."""
        scales, resize = self.data.get('tta_scales'), self.resize('test')
        views = [FLIPS]
        if scales:
            views.insert(
                0,
                [
                    dict(type='Resize', scale_factor=scale, keep_ratio=True)
                    for scale in sorted(scales, key=lambda s: s != 1)
                ],
            )
        before = self.image()
        if resize:
            before += self.mask() + resize + [dict(type='SetOriShape')]
            inside = self.class_ids(evaluate=True)
        else:
            inside = self.mask() + self.class_ids(evaluate=True)
        # Steps of one list would be alternatives.
        views += [[step] for step in inside] + [PACK]
        return before + [dict(type='TestTimeAug', transforms=views)]

    # Datasets and loaders.
    def dataset(self, role: str, pipeline: list[dict], **more: Any) -> dict:
        facts = dict(self.data['labeled'])
        if role == 'val':
            facts.pop('ann_file', None)
            facts.pop('indices', None)
        if role != 'labeled':
            facts.update(self.data.get(role) or {})
        if self.zero_label:
            facts['metainfo'] = zero_label_metainfo(self.zero_label)
        return dict(facts, **more, pipeline=pipeline)

    def loader(
        self, batch: int, workers: str, sampler: dict, dataset: dict
    ) -> dict:
        number = self.data.get(workers, self.data.get('num_workers', 4))
        return dict(
            batch_size=batch,
            num_workers=number,
            persistent_workers=number > 0 and workers != 'label_workers',
            sampler=sampler,
            dataset=dataset,
        )

    def alone(self, batch: int, augment: str = 'augment') -> dict:
        listed = self.data.get('baseline_list')
        more = dict(ann_file=listed) if listed else {}
        sampler = dict(type='InfiniteSampler', shuffle=True)
        dataset = self.dataset('labeled', self.train(augment), **more)
        if self.shares[1]:
            few = self.dataset('target', self.train(augment))
            sampler, dataset = domains.both_domains(
                dataset, few, batch, self.shares
            )
        return self.loader(batch, 'num_workers', sampler, dataset)

    def mixed(self, unlabeled: str, pipeline: list[dict]) -> dict:
        """Loader of labeled and other images."""
        parts = ['labeled', 'unlabeled']
        others = self.dataset('unlabeled', pipeline)
        others = dict[str, Any](type=unlabeled, dataset=others)
        if partly := self.data.get('partly_labeled'):
            if unlabeled == 'PseudoLabelDataset':
                raise UsageError(
                    'data.partly_labeled: rounds label whole images. Choose '
                    'a method that sees unlabeled images in every iteration'
                )
            path = below_root(others['dataset'], partly)
            others['partly_labeled'] = path
        dataset = dict(
            type='SemiDataset',
            labeled=self.dataset('labeled', self.sup()),
            unlabeled=others,
        )
        if self.shares[1]:
            parts.insert(1, 'target')
            dataset['target'] = self.dataset('target', self.sup())
        if self.data.get('paste'):
            parts.insert(-1, 'paste')
            dataset['paste'] = self.dataset('labeled', self.paste())
        samples = tuple(domains.shared_out(self.batch, self.shares[1], parts))
        number = sum(samples)
        kind = 'SourceRatioSampler'
        if self.data.get('partners'):
            kind, number = 'CutMixPartnerSampler', number + samples[-1]
        sampler = dict(type=kind, samples_per_source=samples)
        given = self.data.get('round_sampler')
        if given and unlabeled == 'PseudoLabelDataset':
            sampler = domains.round_sampler(given, self.shares)
            number = self.batch['rounds']
        return self.loader(number, 'num_workers', sampler, dataset)

    def validation(self) -> dict[str, Any]:
        """Loader of whole images with masks, and what is measured on them."""
        loader = self.loader(
            self.batch.get('val', 1),
            'val_workers',
            dict(type='DefaultSampler', shuffle=False),
            self.dataset('val', self.test()),
        )
        metric = self.data.get('evaluator') or {}
        if 'type' not in metric:
            usual = dict(type='IoUMetric', iou_metrics=['mIoU'])
            metric = {**usual, **metric}
        return dict(val_dataloader=loader, val_evaluator=metric)

    def loaders(self) -> dict[str, Any]:
        """All that the regime needs, by the keys of a config."""
        if self.regime == 'online':
            train = self.mixed('UnlabeledDataset', self.unsup())
        else:
            train = self.alone(self.batch['alone'])
        found: dict[str, Any] = dict(train_dataloader=train)
        if self.regime == 'rounds' and self.zero_label:
            found['semi_dataloader'] = self.alone(
                self.batch.get('rounds', self.batch['alone']), 'round_augment'
            )
        elif self.regime == 'rounds':
            found['semi_dataloader'] = self.mixed(
                'PseudoLabelDataset', self.pseudo()
            )
            size = self.batch.get('label', 8)
            found['label_dataloader'] = self.loader(
                size,
                'label_workers',
                dict(type='BatchShardSampler', batch_size=size),
                dict(
                    type='UnlabeledDataset',
                    dataset=self.dataset('unlabeled', self.label()),
                ),
            )
        if self.data.get('val', {}) is not None:
            found.update(self.validation())
        found.update(test_pipeline=self.test(), tta_pipeline=self.tta())
        return copy.deepcopy({**found, 'tta_model': dict(type='SegTTAModel')})
