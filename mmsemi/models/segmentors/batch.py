"""A batch of labeled and unlabeled images, and the maps of its samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

SUP, WEAK, STRONG = 'sup', 'unsup_teacher', 'unsup_student'
# What a recipe sets for further branches, by how their names begin.
FACTS = dict(
    partner='in a recipe data.second_stream=False',
    paste='in a recipe data.paste=None',
)


@dataclass(frozen=True)
class Batch:
    """What a step of an online method learns from.

    Attributes:
        sup: labeled images (N, 3, H, W).
        sup_samples: their N ``SegDataSample``.
        weak: weak views of the unlabeled images (M, 3, H, W); None in a
            batch of labeled images alone.
        strong: strong views in their order, each of the shape of ``weak``
            and of the same geometry.
        valid: bool (M, H, W), False where an unlabeled image is padded.
        samples: M ``SegDataSample`` of the unlabeled images.
        others: further branches that the method asks for, ``{name: (images,
            samples)}``.
    """

    sup: Tensor
    sup_samples: list
    weak: Tensor | None = None
    strong: list[Tensor] = field(default_factory=list)
    valid: Tensor | None = None
    samples: list = field(default_factory=list)
    others: dict[str, tuple[Tensor, list]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        inputs: Tensor | dict[str, Tensor],
        data_samples: list | dict[str, list],
        views: int = 1,
        others: Sequence[str] = (),
    ) -> 'Batch':
        """From the branches of a preprocessed batch.

        Args:
            inputs: images of each branch, or labeled images alone.
            data_samples: samples of each branch, or of the labeled images.
            views: number of strong views that the method uses.
            others: further branches that it uses where they are there.

        Raises:
            UsageError: when a branch is missing, is none that the method
                uses, or has another shape than it should. Training would
                else go on without it in silence.
        """
        if not isinstance(inputs, dict):
            return cls(inputs, data_samples)
        names = check_branches(list(inputs), views, others)
        given = {k: tuple(inputs[k].shape) for k in names if k in inputs}
        if len(set(given.values())) > 1:
            raise UsageError(
                'the views of the unlabeled images must have one shape, but '
                f'the batch has {given}; crop or pad them before the '
                'pipeline branches'
            )
        batch = cls(
            inputs[SUP],
            data_samples[SUP],
            others={
                name: (inputs[name], data_samples[name])
                for name in others
                if name in inputs
            },
        )
        if not given:
            return batch
        samples = data_samples[WEAK]
        return replace(
            batch,
            weak=inputs[WEAK],
            strong=[inputs[name] for name in names[1:]],
            valid=valid_pixels(samples),
            samples=samples,
        )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return tuple(self.sup.shape[-2:])

    @property
    def labels(self) -> Tensor:
        """Annotated labels of the labeled images, int64 (N, H, W)."""
        return true_labels(self.sup_samples)

    @property
    def truth(self) -> Tensor | None:
        """Ground truth of the unlabeled images, where samples have it.

        For reports; int64 (M, H, W), 255 on padding and where unknown. None
        when nothing is known.
        """
        return self._maps('gt_audit')

    @property
    def annotated(self) -> Tensor | None:
        """What is annotated of the unlabeled images, where samples have it.

        To learn from; int64 (M, H, W), 255 on padding and where unknown. None
        when nothing is annotated.
        """
        return self._maps('gt_known')

    def _maps(self, name: str) -> Tensor | None:
        """A field of the unlabeled samples, padded to their images."""
        if not any(name in sample for sample in self.samples):
            return None
        height, width = self.weak.shape[-2:]
        shape = (len(self.samples), height, width)
        padded = self.labels.new_full(shape, IGNORE)
        for one, sample in zip(padded, self.samples):
            if name not in sample:
                continue
            given = sample.get(name).data[0, :height, :width]
            one[: given.shape[0], : given.shape[1]] = given
        return padded

    def join(self, images: Tensor) -> Tensor:
        """Labeled images, then others, to go through a network at once.

        Raises:
            ValueError: when their sizes differ.
        """
        return join_images({SUP: self.sup, 'unsup': images})

    def split(
        self, outputs: dict[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Outputs of :meth:`join`: of the labeled images, of the others."""
        number = len(self.sup)
        total = len(next(iter(outputs.values())))
        first, second = split_outputs(outputs, [number, total - number])
        return first, second

    def with_labeled(self) -> 'Batch':
        """The same with the labeled images behind the unlabeled ones.

        As weak views, all of whose pixels are valid.
        """
        known = torch.ones_like(self.labels, dtype=torch.bool)
        return self.change(
            weak=join_images({WEAK: self.weak, SUP: self.sup}),
            valid=torch.cat([self.valid, known]),
            samples=[*self.samples, *self.sup_samples],
        )

    def change(self, **parts: Any) -> 'Batch':
        """The same with some parts replaced."""
        return replace(self, **parts)


def check_branches(
    given: Sequence[str], views: int, others: Sequence[str] = ()
) -> list[str]:
    """Names of the views of unlabeled images, if the given ones will do.

    Args:
        given: branches of a batch or of a data set.
        views: number of strong views that the method uses.
        others: further branches that it uses where they are there.

    Raises:
        UsageError: naming a branch that is missing or not used.
    """
    names = [WEAK] + [strong_branch(k) for k in range(views)]
    views_fact = f'in a recipe data.views={views}'
    has = f'the data has {", ".join(given)}'
    unknown = [name for name in given if name not in (SUP, *names, *others)]
    if unknown:
        raise UsageError(
            f'this method does not use the branch {unknown[0]}: it uses '
            f'{", ".join([SUP, *names, *others])}, and {has}. Leave '
            f'{unknown[0]} out of the data: '
            f'{FACTS.get(unknown[0].split("_")[0], views_fact)}'
        )
    missing = [name for name in (SUP, *names) if name not in given]
    if missing and list(given) != [SUP]:
        raise UsageError(
            f'this method needs the branches {", ".join([SUP, *names])} (or '
            f'sup alone), and {has}. Add {", ".join(missing)} to the data: '
            f'{views_fact}'
        )
    return names


def strong_branch(view: int) -> str:
    """Name of the branch of a strong view, counted from 0."""
    return STRONG if view == 0 else f'{STRONG}_{view + 1}'


def join_images(inputs: dict[str, Tensor]) -> Tensor:
    """Concatenate the branches of a batch in their order.

    Raises:
        ValueError: when their image sizes differ.
    """
    sizes = {branch: tuple(x.shape[-2:]) for branch, x in inputs.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            'the branches of a batch must share one image size, '
            f'got {sizes}; crop or pad them alike'
        )
    return torch.cat(list(inputs.values()))


def split_outputs(
    outputs: dict[str, Tensor], sizes: Sequence[int]
) -> list[dict[str, Tensor]]:
    """Outputs of a network by groups of images, of the given sizes."""
    # Gradients of a split are joined; those of slices would be added up.
    parts = {name: value.split(sizes) for name, value in outputs.items()}
    return [
        {name: part[k] for name, part in parts.items()}
        for k in range(len(sizes))
    ]


def true_labels(samples: list) -> Tensor:
    """Annotated labels (N, H, W), int64."""
    return torch.stack([s.gt_sem_seg.data[0] for s in samples]).long()


def valid_pixels(samples: list) -> Tensor:
    """Bool (N, H, W), False where an unlabeled image is padded.

    Raises:
        ValueError: when the samples do not say.
    """
    if any('gt_sem_seg' not in sample for sample in samples):
        raise ValueError(
            'unlabeled samples do not say what is padding: put '
            "dict(type='InitValidMap') behind LoadImageFromFile in their "
            'pipeline'
        )
    return torch.stack([s.gt_sem_seg.data[0] for s in samples]) != IGNORE
