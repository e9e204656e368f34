import copy
from collections.abc import Sequence

from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from mmsemi.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MultiBranch(BaseTransform):
    """One item becomes one view per branch.

    Each named branch gets its own copy of the item and runs its own
    transforms, the last of which packs. Every branch of ``branch_field`` is a
    key of the result, with None for those this pipeline does not make:
    collation takes the keys of the first item of a batch for those of all.

    Args:
        branch_field: all branches of the method, e.g. ``['sup', 'pseudo']``.
        branches: transform or list of transforms by branch name.

    Returns:
        ``{'inputs': {branch: tensor or None}, 'data_samples': {branch: data
        sample or None}}``
    """

    def __init__(
        self, branch_field: Sequence[str], **branches: dict | list[dict]
    ) -> None:
        unknown = sorted(set(branches) - set(branch_field))
        if unknown or not branches:
            raise ValueError(
                f'MultiBranch: branches {unknown} are not in '
                f'branch_field={list(branch_field)}'
                if unknown
                else 'MultiBranch: no branch has transforms'
            )
        self.branch_field = list(branch_field)
        self.branches = {
            name: Compose([steps] if isinstance(steps, dict) else steps)
            for name, steps in branches.items()
        }

    def transform(self, results: dict) -> dict[str, dict] | None:
        packed: dict[str, dict] = {
            key: dict.fromkeys(self.branch_field)
            for key in ('inputs', 'data_samples')
        }
        for name, pipeline in self.branches.items():
            # One view alone may work on the item itself.
            item = (
                copy.deepcopy(results) if len(self.branches) > 1 else results
            )
            view = pipeline(item)
            if view is None:
                return None
            for key, values in packed.items():
                values[name] = view[key]
        return packed

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(branch_field={self.branch_field}, '
            f'branches={self.branches})'
        )
