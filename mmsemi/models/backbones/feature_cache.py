"""Features of a frozen backbone, kept on disk for images that come again."""

import hashlib
import io
import logging
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmsemi.io.files import write_bytes
from mmsemi.utils.errors import UsageError, WriteError

# Images that were seen once: more are forgotten, oldest first.
REMEMBERED = 2**18
CHECKSUM = 4  # bytes behind the array


def digest(*parts: bytes | memoryview) -> str:
    """Short hash of some bytes, as a name."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(part)
    return found.hexdigest()


def tensor_bytes(tensor: Tensor) -> memoryview:
    """The values of a tensor."""
    array = tensor.detach().cpu().contiguous().numpy()
    return memoryview(array.reshape(-1).view(np.uint8))


def checksum(header: bytes, levels: Tensor) -> int:
    """Of all that a file holds."""
    return zlib.crc32(tensor_bytes(levels), zlib.crc32(header))


def weights_digest(network: nn.Module, settings: str = '') -> str:
    """Hash of all weights and buffers, their names, and a setting."""
    parts: list[Any] = [settings.encode()]
    for name, value in network.state_dict().items():
        parts += [name.encode(), tensor_bytes(value)]
    return digest(*parts)


class FeatureCache:
    """Features by the pixels that they belong to, in half precision.

    An image is known by a hash of what the network gets: its pixels behind
    the whole pipeline and normalization. So whatever changes it, a setting
    of the pipeline or a random transform, makes it another image, and what
    is found belongs to just this one. An image and its mirror image are two.
    A random crop, and a view in random colors, hardly ever come again: an
    image is kept when it is seen a second time, and those never are. Crops
    of the features of a whole image would be something else than features
    of a crop, for tokens attend to all of the image, so none are made.

    ``dir/<hash of the weights>/<hash of the image>.npy`` holds the levels,
    float16 (L, C, h, w), and a checksum behind. A
    damaged file is computed and written anew. When ``max_gb`` is reached, or
    the disk cannot be written to, more images are not kept, which is logged
    once.

    A copy of a network shares its cache.

    Args:
        dir: folder, made if it is missing. Several runs may share it.
        max_gb: what it may hold in all, GiB, as each process sees it when it
            begins: several at once may fill it further.
    """

    def __init__(self, dir: str, max_gb: float) -> None:
        if not max_gb > 0:
            raise ValueError(
                f'cache_features.max_gb must be positive, got {max_gb}'
            )
        self.root, self.limit = Path(dir), int(max_gb * 2**30)
        self.used: int | None = None  # not looked yet
        self.full = False
        self.seen: dict[str, None] = {}
        self.found, self.asked = 0, 0

    def __deepcopy__(self, memo: dict) -> 'FeatureCache':
        return self

    def get(self, weights: str, key: str) -> Tensor | None:
        """Levels float16 (L, C, h, w) of an image, if they are there."""
        self.asked += 1
        path = self.root / self.name(weights, key)
        if not path.is_file():
            return None
        try:
            mapped = np.load(path, mmap_mode='r')
            with open(path, 'rb') as file:
                header = file.read(mapped.offset)
                file.seek(-CHECKSUM, io.SEEK_END)
                wanted = int.from_bytes(file.read(), 'little')
            levels = torch.from_numpy(np.array(mapped))
            whole = checksum(header, levels) == wanted
        except Exception:  # damaged bytes raise nearly anything
            whole = False
        if not whole:
            print_log(
                f'{path} is damaged; its features are computed again',
                'current',
                logging.WARNING,
            )
            path.unlink(missing_ok=True)
            self.seen[key] = None
            return None
        self.found += 1
        return levels

    def offer(self, weights: str, key: str, levels: Tensor) -> None:
        """Keep levels float16 (L, C, h, w) if the image came before."""
        if self.full:
            return
        if key not in self.seen:
            if len(self.seen) >= REMEMBERED:
                del self.seen[next(iter(self.seen))]
            self.seen[key] = None
            return
        # What half precision cannot hold is not kept.
        if levels.isfinite().all():
            self.put(weights, key, levels)

    def put(self, weights: str, key: str, levels: Tensor) -> None:
        """Write the levels of an image, if there is room."""
        name = self.name(weights, key)
        stream = io.BytesIO()
        np.save(stream, levels.cpu().numpy())
        content = stream.getvalue()
        header = content[: len(content) - levels.nbytes]
        content += checksum(header, levels).to_bytes(CHECKSUM, 'little')
        if self.used is None:
            self.used = self.look(len(content), levels.shape)
        if self.used + len(content) > self.limit:
            self.stop(f'max_gb={self.limit / 2**30:g} is reached')
            return
        try:
            write_bytes(self.root, name, content, sync=False)
        except WriteError as error:
            if not (self.root / name).is_file():
                self.stop(str(error))
            return  # or another process was faster
        self.used += len(content)

    def look(self, size: int, shape: tuple[int, ...]) -> int:
        """What the folder holds; says how many images there is room for.

        Raises:
            UsageError: if the disk cannot hold what ``max_gb`` allows.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        files = [path.stat().st_size for path in self.root.glob('*/*.npy')]
        used = sum(files)
        free = shutil.disk_usage(self.root).free
        if self.limit - used > free:
            raise UsageError(
                f'cache_features.max_gb={self.limit / 2**30:g}: {self.root} '
                f'has {free / 2**30:.1f} GiB of free space and holds '
                f'{used / 2**30:.1f} GiB. Lower max_gb, or choose another dir'
            )
        print_log(
            f'features of an image, {tuple(shape)}, take '
            f'{size / 2**20:.2f} MiB: {self.root} holds {len(files)} images '
            f'and has room for {max(self.limit - used, 0) // size} more',
            'current',
        )
        return used

    def stop(self, reason: str) -> None:
        """Keep nothing more, and say so."""
        self.full = True
        print_log(
            f'{self.root} keeps no more features ({reason}); those of other '
            'images are computed each time. Folders of weights that nobody '
            'uses any more can be removed',
            'current',
            logging.WARNING,
        )

    @staticmethod
    def name(weights: str, key: str) -> str:
        """File of an image below the folder."""
        return f'{weights}/{key}.npy'
