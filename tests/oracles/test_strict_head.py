"""Word-vector head against the official SPNet and STRICT code."""

import re

import numpy as np
import torch

from mmsemi.models.decode_heads.class_embeddings import load_class_embeddings
from mmsemi.registry import MODELS
from mmsemi.utils.labels import resize_labels
from tests.oracles.kinds import files


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


def test_class_embeddings(oracle_dir, data_dir):
    for path in files(oracle_dir, 'strict', 'class_embeddings'):
        with np.load(path) as case:
            for key in case.files:
                dataset, embedding = key.split('_', 1)
                source, splits = zero_label_files(data_dir, dataset)
                got = load_class_embeddings(
                    source, splits['class_names'], embedding
                )
                assert got.dtype == np.float32
                np.testing.assert_allclose(
                    got, case[key], rtol=0, atol=1e-7, err_msg=key
                )


def test_projection_head(oracle_dir, data_dir):
    for path in files(oracle_dir, 'strict', 'projection_head'):
        with np.load(path) as case:
            done = set()
            for key in (k for k in case.files if '_logits_' in k):
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
                    all=None,
                    seen=slice(0, num_seen),
                    unseen=slice(num_seen, None),
                )[part]
                got = head(torch.from_numpy(case[f'{dataset}_feat']), columns)
                np.testing.assert_allclose(
                    got, case[key], rtol=1e-5, atol=1e-4, err_msg=key
                )
                done |= {key, f'{dataset}_feat'}
            assert done == set(case.files)


def test_aspp_sum(oracle_dir):
    """DeepLabV2Head with all of its branches is the published ASPP."""
    for path in files(oracle_dir, 'strict', 'aspp_sum'):
        with np.load(path) as case:
            branches = sum(k.startswith('weight') for k in case.files)
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
        with np.load(path) as case:
            done = set()
            for key in (k for k in case.files if '_pred_' in k):
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
                assert clear.mean() > 0.5
                assert (got == case[key])[clear].all(), key
                if f'{name}_score_{gamma}' in case:
                    np.testing.assert_allclose(
                        score, case[f'{name}_score_{gamma}'], rtol=0, atol=1e-5
                    )
                done |= {key} | {
                    f'{name}_{field}'
                    for field in (
                        'logits',
                        'n_seen',
                        'out_hw',
                        f'margin_{gamma}',
                        f'score_{gamma}',
                    )
                }
            assert set(case.files) <= done


def test_resize_target(oracle_dir):
    for path in files(oracle_dir, 'strict', 'resize_target'):
        with np.load(path) as case:
            for key in (k for k in case.files if k.startswith('r_')):
                expected = case[key]
                labels = torch.from_numpy(case[f't_{key.split("_")[1]}'])
                got = resize_labels(labels, expected.shape[-2:])
                assert (got.numpy() == expected).all(), key
