"""Word-vector head against the official SPNet and STRICT code."""

import re

import numpy as np
import torch

from mmsemi.models.decode_heads.class_embeddings import load_class_embeddings
from mmsemi.registry import MODELS
from mmsemi.utils.labels import resize_labels
from tests.oracles.kinds import files, load


def zero_label_files(data_dir, dataset):
    """Word vectors and splits of 'voc12' or 'cocostuff'."""
    folder = data_dir / 'zero_label'
    with np.load(folder / f'{dataset}_splits.npz') as splits:
        splits = {key: splits[key] for key in splits.files}
    return folder / f'{dataset}_word_vectors.npz', splits


def build_head(num_seen, inner=None, **kwargs):
    inner = inner or dict(
        type='DeepLabV2Head', in_channels=4, align_corners=False
    )
    return MODELS.build(
        dict(
            type='SemanticEmbeddingHead',
            head=inner,
            num_seen=num_seen,
            **kwargs,
        )
    ).eval()


EMBEDDINGS = re.compile(
    r'([^_]+)_([^_]+)(_unseen_rows|_gzlss_order_first(\d+)_last(\d+))?'
)


def test_class_embeddings(oracle_dir, data_dir):
    """Of all classes by id, of the unseen, or of both ends of the order."""
    for path in files(oracle_dir, 'strict', 'class_embeddings'):
        case = load(path)
        for key in case:
            dataset, embedding, part, first, last = EMBEDDINGS.fullmatch(
                key
            ).groups()
            source, splits = zero_label_files(data_dir, dataset)
            order = range(len(splits['class_names']))
            if part == '_unseen_rows':
                order = splits['unseen']
            elif part:
                order = splits['gzlss_order'].tolist()
                order = order[: int(first)] + order[len(order) - int(last) :]
            got = load_class_embeddings(
                source, [splits['class_names'][i] for i in order], embedding
            )
            assert got.dtype == np.float32
            np.testing.assert_allclose(
                got, case[key], rtol=0, atol=1e-7, err_msg=key
            )


def test_projection_head(oracle_dir, data_dir):
    for path in files(oracle_dir, 'strict', 'projection_head'):
        case = load(path)
        for key in (k for k in case if '_logits_' in k):
            name, part = key.split('_logits_')
            dataset = name.removesuffix('_bkg')
            source, splits = zero_label_files(data_dir, dataset)
            ids = list(splits['gzlss_order'])
            num_seen = len(splits['seen_all'])
            if name.endswith('_bkg'):
                ids, num_seen = [0] + ids, num_seen + 1
            head = build_head(
                num_seen,
                embeddings=str(source),
                classes=[str(splits['class_names'][i]) for i in ids],
            )
            head.head = torch.nn.Identity()
            columns = dict(
                all=None, seen=slice(0, num_seen), unseen=slice(num_seen, None)
            )[part]
            feat = torch.from_numpy(case[f'{dataset}_feat'])
            # Rounding grows with the feature.
            allowed = 1e-4 + 1e-7 * feat.norm(dim=1, keepdim=True)
            allowed = allowed + 1e-5 * np.abs(case[key])
            assert (abs(head(feat, columns) - case[key]) <= allowed).all()


def test_aspp_sum(oracle_dir):
    """DeepLabV2Head with all of its branches is the published ASPP."""
    for path in files(oracle_dir, 'strict', 'aspp_sum'):
        case = load(path)
        branches = sum(k.startswith('weight') for k in case)
        out, channels = case['weight0'].shape[:2]
        head = build_head(
            1,
            dict(
                type='DeepLabV2Head',
                in_channels=channels,
                used_branches=branches,
                align_corners=False,
            ),
            embeddings=np.eye(out),
        )
        for k, conv in enumerate(head.head.convs):
            conv.weight.data = torch.from_numpy(case[f'weight{k}'])
            conv.bias.data = torch.from_numpy(case[f'bias{k}'])
        x = [torch.from_numpy(case['x'])]
        for got in (head.head(x), head(x)):
            np.testing.assert_allclose(
                got.detach(), case['y'], rtol=0, atol=1e-4
            )


def test_calibrated_prediction(oracle_dir):
    for path in files(oracle_dir, 'strict', 'calibrated_prediction'):
        case = load(path)
        for key in (k for k in case if '_pred_' in k):
            name, gamma = re.fullmatch(r'(\w+?)_pred_(.+)', key).groups()
            logits = torch.from_numpy(case[f'{name}_logits'])
            size = tuple(int(s) for s in case[f'{name}_out_hw'])
            head = build_head(
                int(case[f'{name}_n_seen']),
                embeddings=np.eye(logits.shape[1]),
                gamma=0.0 if gamma == 'none' else float(gamma),
            )
            score = head.predict_by_feat(logits, [dict(img_shape=size)])
            clear = case[f'{name}_margin_{gamma}'] > 1e-4
            got = score.argmax(1).numpy()
            assert clear.any(), key
            assert (got == case[key])[clear].all(), key
            if f'{name}_score_{gamma}' in case:
                np.testing.assert_allclose(
                    score, case[f'{name}_score_{gamma}'], rtol=0, atol=1e-5
                )


def test_resize_target(oracle_dir):
    for path in files(oracle_dir, 'strict', 'resize_target'):
        case = load(path)
        for key in (k for k in case if k.startswith('r_')):
            expected = case[key]
            labels = torch.from_numpy(case[f't_{key.split("_")[1]}'])
            got = resize_labels(labels, expected.shape[-2:])
            assert (got.numpy() == expected).all(), key
