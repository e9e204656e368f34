"""No module touches what is private to another package.

Beyond ``utils/compat.py`` a name with an underscore must be our own: written
somewhere in the module that reads it off an object, or inherited on purpose.
"""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import mmsemi

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    path
    for folder in ('mmsemi', 'tools')
    for path in sorted((ROOT / folder).rglob('*.py'))
    if path.name != 'compat.py'
]
# Attributes that a class of ours inherits, and overrides or asks itself for.
INHERITED = {
    # mmengine's Runner, in our Runner
    ('Runner', '_resume'),
    ('Runner', '_has_loaded'),
    ('Runner', '_load_from'),
    # mmengine's checkpoint hook, in our hook
    ('CheckpointHook', '_init_rule'),
    # mmengine's visualizer, in ours
    ('Visualizer', '_initialize_fig'),
    # mmengine's initializers, in our initializer
    ('PretrainedInit', '_get_init_info'),
    # mmseg's decode heads
    ('mmseg', '_transform_inputs'),
    ('mmseg', '_forward_feature'),
    ('mmseg', '_stack_batch_gt'),
    # mmseg's segmentors, whose `mode='tensor'` ends in it
    ('mmseg', '_forward'),
    # mmengine's joined data sets
    ('ConcatDataset', '_metainfo'),
    ('ConcatDataset', '_fully_initialized'),
}
NAMES = {name for _, name in INHERITED}
# Documented in spite of their underscore.
PUBLIC = {('os', '_exit'), ('*', '_replace'), ('*', '_asdict')}
# NumPy names its pickles' functions so; files are checked against them.
PICKLES = {'io/checkpoints.py', 'prepare/word_vectors.py'}


def is_private(name: str) -> bool:
    return name.startswith('_') and not name.startswith('__') and name != '_'


def own_names(tree: ast.AST) -> set[str]:
    """Private names a module defines or assigns."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(
            node.ctx, ast.Store
        ):
            names.add(node.attr)
    return names


def foreign(path: Path, ours: set[str]) -> list[str]:
    """Lines of a module that touch private parts of others."""
    tree = ast.parse(path.read_text())
    own, found = own_names(tree), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            owner = node.value
            of_itself = (
                isinstance(owner, ast.Name) and owner.id in ('self', 'cls')
            ) or isinstance(owner, ast.Call)
            name = owner.id if isinstance(owner, ast.Name) else '*'
            if {(name, node.attr), ('*', node.attr)} & PUBLIC:
                continue
            if of_itself and node.attr in ours | NAMES:
                continue
            if node.attr in own and not isinstance(node.ctx, ast.Store):
                continue
            found.append(f'{path.name}:{node.lineno} {ast.unparse(node)}')
        elif isinstance(node, ast.ImportFrom) and not node.level:
            parts = (node.module or '').split('.')
            names = [alias.name for alias in node.names]
            if any(map(is_private, parts + names)):
                found.append(f'{path.name}:{node.lineno} {ast.unparse(node)}')
    return found


def test_private_parts_are_in_one_place():
    ours = set()
    for path in FILES:
        ours |= own_names(ast.parse(path.read_text()))
    found = [
        line
        for path in FILES
        if not path.as_posix().endswith(tuple(PICKLES))
        for line in foreign(path, ours)
    ]
    assert found == []


@pytest.mark.parametrize(
    'line',
    [
        'runner._load_from',
        'torch._foreach_copy_([], [])',
        'self._never_written',
        'runner.visualizer._vis_backends.values()',
        'from torch.nn.modules.batchnorm import _BatchNorm',
        'from numpy._core import multiarray',
    ],
)
def test_what_is_found(tmp_path, line):
    path = tmp_path / 'module.py'
    path.write_text(line)
    assert len(foreign(path, set())) == 1


def overridden() -> set[tuple[str, str]]:
    """Private methods of other packages that a class of ours replaces."""
    found = set()
    for module in pkgutil.walk_packages(mmsemi.__path__, 'mmsemi.'):
        for kind in vars(importlib.import_module(module.name)).values():
            if not inspect.isclass(kind):
                continue
            if not kind.__module__.startswith('mmsemi.'):
                continue
            found |= {
                (kind.__name__, name)
                for name, part in vars(kind).items()
                if is_private(name) and inspect.isfunction(part)
                for base in kind.__mro__[1:]
                if not base.__module__.startswith('mmsemi.')
                and name in vars(base)
            }
    return found


def test_private_methods_are_not_overridden():
    """But for those that are there to be overridden."""
    wanted = {
        ('LoadMask', '_load_seg_map'),
        ('SPNet', '_forward'),
        ('SemiSegmentor', '_forward'),
        ('LazyVisualizer', '_initialize_fig'),
    }
    assert overridden() == wanted


def test_inherited_names_exist():
    """A release that renames one would leave ours uncalled."""
    from mmengine.dataset import ConcatDataset
    from mmengine.hooks import CheckpointHook
    from mmengine.model.weight_init import PretrainedInit
    from mmengine.runner import Runner
    from mmengine.visualization import Visualizer
    from mmseg.models import EncoderDecoder
    from mmseg.models.decode_heads import DepthwiseSeparableASPPHead
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from torch import nn

    kinds: dict[str, tuple] = {
        'torch': (nn.Module,),
        'mmseg': (BaseDecodeHead, DepthwiseSeparableASPPHead, EncoderDecoder),
    }
    for kind in (
        Runner,
        CheckpointHook,
        PretrainedInit,
        ConcatDataset,
        Visualizer,
    ):
        kinds[kind.__name__] = (kind,)
    for owner, name in INHERITED:
        assert any(
            hasattr(kind, name) or f'self.{name} = ' in inspect.getsource(kind)
            for kind in kinds[owner]
        ), name
