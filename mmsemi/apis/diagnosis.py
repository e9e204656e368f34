"""What two folders hold, for a person and as data."""

import json as json_module
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmsemi.doctor.findings import Finding, as_data, as_text
from mmsemi.doctor.photos import Photo
from mmsemi.prepare.encoding import Encoding
from mmsemi.prepare.mask_files import MaskFacts
from mmsemi.prepare.mask_source import MaskSource
from mmsemi.prepare.pairing import Pairs


@dataclass
class Diagnosis:
    """What two folders hold.

    ``str()`` of it is what the command prints.

    Attributes:
        pairs: images and their masks.
        source: of the masks.
        photos: of every image, in the order of ``pairs``.
        masks: what each readable mask holds.
        encoding: what the values of masks mean, None if that is unclear.
        pixels: (N, C) of each class in each of ``masks``.
        ignored: (N,) pixels without a class.
        unknown: of these, those that may belong to one: not background that
            is to be left out.
        findings: errors first.
        drawn: ids of the classes that were drawn, of images in which only
            some were; ``pixels`` and ``ignored`` are without the others.
        json: whether ``str()`` is JSON.
    """

    pairs: Pairs
    source: MaskSource
    photos: list[Photo]
    masks: list[MaskFacts]
    encoding: Encoding | None
    pixels: np.ndarray
    ignored: np.ndarray
    unknown: np.ndarray
    findings: list[Finding]
    drawn: dict[str, frozenset[int]] = field(default_factory=dict)
    json: bool = False

    @property
    def exit_code(self) -> int:
        """1 if nothing can be trained with these folders, else 0."""
        return int(any(f.severity == 'error' for f in self.findings))

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        classes = []
        if self.encoding is not None:
            for index, name in enumerate(self.encoding.classes):
                column = self.pixels[:, index]
                classes.append(
                    dict(
                        id=index,
                        name=name,
                        value=self.encoding.show(self.encoding.codes[index]),
                        pixels=int(column.sum()),
                        images=int((column > 0).sum()),
                    )
                )
        return dict(
            images=len(self.pairs.pairs),
            labeled=len(self.pairs.labeled),
            unlabeled=len(self.pairs.unlabeled),
            encoding=self.encoding and self.encoding.as_data(),
            classes=classes,
            ignored_pixels=int(self.ignored.sum()),
            findings=as_data(self.findings),
        )

    def text(self) -> str:
        """For a person: numbers, classes, findings."""
        lines = [
            f'{len(self.pairs.pairs)} images: {len(self.pairs.labeled)} with '
            f'a mask, {len(self.pairs.unlabeled)} without'
        ]
        if self.encoding is not None:
            total = max(self.pixels.sum() + self.ignored.sum(), 1)
            mapping = self.encoding.lines()
            width = max(map(len, mapping))
            for index, line in enumerate(mapping):
                if index < len(self.encoding.classes):
                    column = self.pixels[:, index]
                    share, held = column.sum() / total, (column > 0).sum()
                else:
                    share = self.ignored.sum() / total
                    held = (self.ignored > 0).sum()
                lines.append(
                    f'  {line:<{width}}  {share:7.2%} of pixels, in {held} '
                    f'mask{"" if held == 1 else "s"}'
                )
        return '\n'.join(filter(None, [*lines, as_text(self.findings)]))

    def __str__(self) -> str:
        if self.json:
            return json_module.dumps(self.as_data(), indent=1)
        return self.text()
