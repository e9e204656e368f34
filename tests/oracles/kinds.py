"""Find oracle files by kind, split them into cases, note what is read.

Tests read the files through :class:`Arrays`, which keeps note of every array
that was asked for: ``conftest.py`` fails a test that opened a file and read
nothing of it, and a run of all these tests that left arrays unread.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

# A file's kind is the longest of these names that its own name starts with.
KINDS = {
    'dst_cbc': (
        'cbc_pseudo_labels',
        'confusion_matrix',
        'deeplabv2_model',
        'dmt_loss',
        'dmt_pseudo_labels',
        'dst_loss',
        'offline_weight_loss',
        'poly_lr',
        'training_loop',
        'training_loop_dmt',
        'transforms_dmt',
        'transforms_dst_cbc',
    ),
    'cbst': (
        'cbst_cb',
        'cbst_global',
        'cbst_sp',
        'cbst_mining',
        'cbst_schedule',
        'crst_kc_cb',
        'crst_label_hard',
        'crst_label_lrent',
        'crst_loss',
        'crst_metric',
        'crst_mining',
        'crst_source_sampling',
        'formula_regularisers',
        'formula_spatial_prior',
    ),
    'strict': (
        'aspp_sum',
        'calibrated_prediction',
        'class_embeddings',
        'generator_views',
        'gzlss_metric',
        'label_maps',
        'poly_lr',
        'projection_head',
        'pseudo_label_merge',
        'resize_target',
        'spnet_msc_loss',
    ),
    'u2pl': (
        'ael_adaptive_cutmix',
        'ael_confidence_bank',
        'ael_consistency_loss',
        'ael_copy_paste',
        'ael_sampling',
        'contra',
        'criterion',
        'entropy_masks',
        'eval_helpers',
        'label_onehot',
        'memory_bank',
        'mix_augment',
        'rce_loss',
        'schedules',
        'teacher_ema',
        'unsup_loss',
    ),
    'unimatch': (
        'blur',
        'cps',
        'cps_boxmask',
        'cps_cutmix',
        'cps_poly_lr',
        'cutmix_box',
        'eval_v1',
        'eval_v2',
        'french_boxmask',
        'ohem',
        'poly_lr',
        'v1_image_mix',
        'v1_loss',
        'v2_comp_drop',
        'v2_ema',
        'v2_loss',
        'weak_aug',
    ),
}
# Arrays that repeat what others of the file say, or that say nothing in some
# cases: where the official code failed, or with an option turned off.
REPEATED = {
    'dst_cbc': (r'\w+__labelled_fraction',),
    'cbst': ('origin_size', 'mine_thresh_f64', 'mine_id_number'),
    'strict': (),
    'u2pl': (
        'n_cases',
        r'c\d+_aux',
        r'c\d+_rand',
        'n_masks',
        'epochs',
        'stride',
        r'poly\d+_len_epochs(_start)?',
        r'poly\d+_power',
        r'c\d+_epochs',
        r'\w+_t\d+_ptr',
    ),
    'unimatch': ('crop_size',),
}
# Per file: its arrays, and those that tests have read.
STORED: dict[Path, set[str]] = {}
READ: dict[Path, set[str]] = defaultdict(set)
# Files that a test found it cannot serve, and why.
UNSERVED: dict[Path, str] = {}
# Files that the running test has opened, and those it has read arrays of.
OPENED: set[Path] = set()
TOUCHED: set[Path] = set()


class Arrays(Mapping):
    """Arrays of a file or of a case; reading one is noted.

    Args:
        path: the file.
        keys: ``{name: key in the file}``.
        convert: makes what is handed out of the numpy array.
    """

    def __init__(
        self, path: Path, keys: dict[str, str], convert: Callable
    ) -> None:
        self.path, self.keys_in_file, self.convert = path, keys, convert
        self.made = {}

    def __getitem__(self, name: str):
        key = self.keys_in_file[name]
        if name not in self.made:
            READ[self.path].add(key)
            TOUCHED.add(self.path)
            with np.load(self.path, allow_pickle=False) as arrays:
                self.made[name] = self.convert(arrays[key])
        return self.made[name]

    def __contains__(self, name) -> bool:
        return name in self.keys_in_file

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys_in_file)

    def __len__(self) -> int:
        return len(self.keys_in_file)

    def part(self, prefix: str) -> 'Arrays':
        """The arrays whose names start so, without that start."""
        keys = {
            name.removeprefix(prefix): key
            for name, key in self.keys_in_file.items()
            if name.startswith(prefix)
        }
        return Arrays(self.path, keys, self.convert)

    def like(self, pattern: str) -> list[str]:
        """Names that a regular expression matches, in natural order."""
        found = [name for name in self if re.fullmatch(pattern, name)]
        return sorted(
            found,
            key=lambda name: [
                int(part) if part.isdigit() else part
                for part in re.split(r'(\d+)', name)
            ],
        )


def same(array: np.ndarray) -> np.ndarray:
    """The array itself."""
    return array


def load(path: Path, convert: Callable = same) -> Arrays:
    """All arrays of a file under their own names."""
    with np.load(path, allow_pickle=False) as arrays:
        STORED[path] = set(arrays.files)
    OPENED.add(path)
    return Arrays(path, {key: key for key in STORED[path]}, convert)


def cases(path: Path, convert: Callable = same) -> dict[str, Arrays]:
    """``{case: arrays}`` of the ``<case>__<field>`` keys of a file."""
    arrays = load(path, convert)
    names = sorted({key.split('__')[0] for key in arrays if '__' in key})
    assert names, f'{path} holds no case'
    return {name: arrays.part(f'{name}__') for name in names}


def numbered(
    path: Path, prefix: str = 'c', convert: Callable = same
) -> dict[str, Arrays]:
    """``{'file c0': arrays}`` of the ``c0_<field>`` keys of a file.

    Numbers may start anywhere and have gaps; there may be none.
    """
    arrays = load(path, convert)
    found = {
        m[1] for key in arrays if (m := re.match(rf'({prefix}\d+)_', key))
    }
    return {
        f'{path.name} {name}': arrays.part(f'{name}_')
        for name in sorted(found, key=lambda n: int(n[len(prefix) :]))
    }


def some(found: Iterable, what: str) -> list:
    """A list; where it is empty, the test is skipped and says of what."""
    found = list(found)
    if not found:
        pytest.skip(f'no {what} in the files')
    return found


def unserved(path: Path, why: str) -> None:
    """Say that a part of a kind is missing from the project, and which."""
    UNSERVED[path] = why


def kind_of(path: Path, family: str) -> str:
    """Kind of an oracle file, '' when no kind of the family matches."""
    matches = [k for k in KINDS[family] if path.name.startswith(k)]
    return max(matches, key=len, default='')


def files(oracle_dir: Path, family: str, kind: str) -> list[Path]:
    """Oracle files of one kind.

    Raises:
        AssertionError: when there is none, so that a test cannot pass by
            finding nothing.
    """
    found = [
        path
        for path in sorted((oracle_dir / family).glob('*.npz'))
        if kind_of(path, family) == kind
    ]
    assert found, f'no oracle of kind {kind} in {oracle_dir / family}'
    return found


def case_of(name: str) -> str:
    """The case that an array belongs to, '' for that of the whole file."""
    found = re.match(r'(.+?)__|([a-z]+\d+)_', name)
    return found[0] if found else ''


@dataclass
class Notes:
    """What the tests of one process, or of several, have read.

    Attributes:
        stored: names of the arrays of each opened file.
        read: of those that tests have read.
        unserved: why a file could not be compared.
        partly: whether only some tests of a module were asked for.
        whole: whether all modules were.
    """

    stored: dict[Path, set[str]]
    read: dict[Path, set[str]]
    unserved: dict[Path, str]
    partly: bool
    whole: bool

    def packed(self) -> tuple:
        """The same in types that travel between processes."""
        return (
            {str(p): sorted(names) for p, names in self.stored.items()},
            {str(p): sorted(names) for p, names in self.read.items()},
            {str(p): why for p, why in self.unserved.items()},
            self.partly,
            self.whole,
        )

    @classmethod
    def joined(cls, packed: Iterable[tuple]) -> 'Notes':
        """Those of all processes."""
        notes = cls({}, defaultdict(set), {}, False, True)
        for stored, read, unserved, partly, whole in packed:
            for path, names in stored.items():
                notes.stored[Path(path)] = set(names)
            for path, names in read.items():
                notes.read[Path(path)] |= set(names)
            notes.unserved.update({Path(p): w for p, w in unserved.items()})
            notes.partly |= partly
            notes.whole &= whole
        return notes

    def unread(self, path: Path) -> list[str]:
        """Arrays of an opened file that nobody has asked for."""
        if path in self.unserved:
            return []
        known = REPEATED[path.parent.name]
        return sorted(
            name
            for name in self.stored[path] - self.read.get(path, set())
            if not any(re.fullmatch(pattern, name) for pattern in known)
        )

    def untouched(self, path: Path) -> list[str]:
        """Cases of an opened file of which nothing was read."""
        read = {case_of(name) for name in self.read.get(path, ())}
        return sorted({case_of(name) for name in self.unread(path)} - read)


def judge(session, notes: Notes) -> None:
    """Fail when a file, or in a run of all tests a case, was not compared.

    A test of one part of a file is skipped where the file has no such part;
    so only the end tells that it has no part at all.
    """
    if notes.partly:
        return
    manager = session.config.pluginmanager
    write = manager.get_plugin('terminalreporter').write_line
    for path in sorted(set(notes.stored) - set(notes.unserved)):
        nothing = not notes.read.get(path)
        if nothing or (notes.whole and notes.untouched(path)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if nothing:
            write(f'\nnothing of {path.name} was compared', red=True)
        elif notes.whole and notes.unread(path):
            names = ', '.join(notes.unread(path))
            write(f'\nnot compared of {path.name}: {names}')
    for path, why in sorted(notes.unserved.items()):
        write(f'\nnot compared: {path.name}, {why}')
