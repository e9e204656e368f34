import copy

from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from mmsemi.ops.samples import around_same_maps
from mmsemi.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MultiBranch(BaseTransform):
    """One item becomes one view per branch.

    Each branch gets its own copy of the item and runs its own transforms,
    the last of which packs. Branches with equal transforms share their
    view: it is made once, and its tensors are the same objects.
    :class:`.SemiDataset` adds the branches that other pipelines make.

    Args:
        branches: transform or list of transforms by branch name.

    Returns:
        ``{'inputs': {branch: tensor}, 'data_samples': {branch: sample}}``
    """

    def __init__(self, **branches: dict | list[dict]) -> None:
        if not branches:
            raise ValueError('MultiBranch: no branch has transforms')
        self.branches = {
            name: Compose([steps] if isinstance(steps, dict) else steps)
            for name, steps in branches.items()
        }
        # The first branch with the same transforms, by branch.
        self.same: dict[str, str] = {}
        for name in branches:
            twins = (k for k in self.same if branches[k] == branches[name])
            # What draws random numbers draws them for every view.
            alone = not _deterministic(self.branches[name])
            self.same[name] = name if alone else next(twins, name)

    def transform(self, results: dict) -> dict[str, dict] | None:
        packed: dict[str, dict] = dict(inputs={}, data_samples={})
        views = sum(k == name for k, name in self.same.items())
        for name, pipeline in self.branches.items():
            twin = self.same[name]
            if twin != name:
                packed['inputs'][name] = packed['inputs'][twin]
                packed['data_samples'][name] = around_same_maps(
                    packed['data_samples'][twin]
                )
                continue
            # One view alone may work on the item itself.
            view = pipeline(copy.deepcopy(results) if views > 1 else results)
            if view is None:
                return None
            for key, values in packed.items():
                values[name] = view[key]
        return packed

    def __repr__(self) -> str:
        return f'{type(self).__name__}(branches={self.branches})'


@TRANSFORMS.register_module()
class MultiStream(BaseTransform):
    """One item becomes several, each with a geometry and branches of its own.

    Args:
        streams: for each a list of transforms that ends with a
            :class:`MultiBranch`; no two may make the same branch.
    """

    def __init__(self, streams: list[list[dict]]) -> None:
        self.streams = [Compose(steps) for steps in streams]
        self.branches: dict[str, Compose] = {}
        for stream in self.streams:
            made = stream.transforms[-1].branches
            twice = set(made) & set(self.branches)
            if twice:
                raise ValueError(
                    f'MultiStream: two streams make {twice.pop()}; give '
                    'branches names of their own'
                )
            self.branches.update(made)

    def transform(self, results: dict) -> dict[str, dict] | None:
        packed: dict[str, dict] = dict(inputs={}, data_samples={})
        for stream in self.streams:
            made = stream(copy.deepcopy(results))
            if made is None:
                return None
            for key, values in packed.items():
                values.update(made[key])
        return packed

    def __repr__(self) -> str:
        return f'{type(self).__name__}(streams={self.streams})'


def _deterministic(pipeline: Compose) -> bool:
    """Whether a pipeline only packs."""
    return all(
        type(step).__name__.startswith('Pack') for step in pipeline.transforms
    )
