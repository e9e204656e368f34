"""Find oracle files by kind and split them into cases."""

from collections import defaultdict
from pathlib import Path

import numpy as np

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
# Families, or kinds as 'family/kind', that no test consumes yet; must end
# empty.
PENDING = (
    'unimatch/cps_poly_lr',
    'unimatch/eval_v1',
    'unimatch/eval_v2',
    'unimatch/ohem',
    'unimatch/poly_lr',
    'unimatch/weak_aug',
)


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


def cases(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """``{case: {field: array}}`` of an npz with ``<case>__<field>`` keys."""
    result: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    with np.load(path, allow_pickle=False) as arrays:
        for key in arrays.files:
            case, field = key.split('__', 1)
            result[case][field] = arrays[key]
    return dict(result)
