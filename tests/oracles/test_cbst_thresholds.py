"""Thresholds and hard labels of CRST's and CBST's code."""

import numpy as np
import pytest
import torch

from mmsemi.models.pseudo_labelers import (
    CBSTPseudoLabeler,
    LRENTPseudoLabeler,
    rare_classes,
)
from mmsemi.pseudo_labels.statistics import ConfidenceHistogram, ConfidencePool
from tests.oracles.kinds import files, load

STATISTICS = dict(exact=ConfidencePool, histogram=ConfidenceHistogram)


def collected(labeler, probabilities, kind, batch):
    """Statistics over maps (N, C, H, W) that come in batches."""
    statistics = STATISTICS[kind](labeler.num_classes)
    for part in torch.from_numpy(probabilities).split(batch):
        labeler.collect(statistics, part)
    return statistics


@pytest.mark.parametrize('batch', [1, 8])
def test_crst_thresholds(oracle_dir, batch):
    for path in files(oracle_dir, 'cbst', 'crst_kc_cb'):
        case = load(path)
        probabilities = case['prob'].transpose(0, 3, 1, 2).copy()
        labeler = CBSTPseudoLabeler(
            probabilities.shape[1], ds_rate=int(case['ds_rate'])
        )
        pool = collected(labeler, probabilities, 'exact', batch)
        counts = pool.counts().numpy()
        np.testing.assert_array_equal(counts, case['conf_count'])
        predicted = np.bincount(
            probabilities.argmax(1).ravel(), minlength=labeler.num_classes
        )
        np.testing.assert_array_equal(predicted, case['pred_cls_num'])
        rare, rarest = rare_classes(
            predicted, float(case['mine_port_f64']), int(case['rare_cls_num'])
        )
        assert set(rare) == set(case['mine_id'].tolist())
        assert_rarest(rarest, predicted, case['rare_id'])
        histogram = collected(labeler, probabilities, 'histogram', batch)
        for k, portion in enumerate(case['portions_f64']):
            thresholds = labeler.fit(pool, float(portion)).numpy()
            np.testing.assert_array_equal(thresholds, case['cls_thresh'][k])
            np.testing.assert_array_equal(
                np.floor(counts * portion), case['cls_sel_size'][k]
            )
            # Streaming: at most a bin lower, 2^-11 of the distance to one.
            streamed = labeler.fit(histogram, float(portion)).numpy()
            below = thresholds - streamed
            assert (below >= 0).all()
            assert (below <= (1 - streamed) * 2**-11 + 1e-7).all()


def assert_rarest(found, counts, expected):
    """Equal but for classes with the same number of predictions."""
    assert sorted(counts[found]) == sorted(counts[expected])
    settled = [c for c in expected if (counts == counts[c]).sum() == 1]
    assert set(settled) <= set(found)


@pytest.mark.parametrize('kind', ['cbst_cb', 'cbst_global', 'cbst_sp'])
def test_cbst_labels(oracle_dir, kind, tmp_path):
    for path in files(oracle_dir, 'cbst', kind):
        case = load(path)
        c = case['prob'].shape[1]
        prior = None
        if 'prior_array' in case:
            prior = str(tmp_path / 'prior.npz')
            np.savez(prior, prior=case['prior_array'])
        labeler = CBSTPseudoLabeler(
            c,
            per_class=not case['policy_is_global'],
            prior=prior,
            leading_zero=True,
        )
        assert labeler.one_pass == bool(case['policy_is_global'])
        pool = collected(labeler, case['prob'], 'exact', 2)
        sampled = pool.counts().numpy()
        np.testing.assert_array_equal(
            sampled + 1, case['array_len_with_leading_zero']
        )
        thresholds = labeler.fit(pool, float(case['portion_f64']))
        np.testing.assert_allclose(
            thresholds.numpy(), case['cls_thresh_used_f64'], rtol=1e-7
        )
        raw = case['cls_thresh_raw_f64']
        assert (thresholds[raw == 0] == 1).all()

        probabilities = torch.from_numpy(case['prob'])
        labels = labeler(probabilities).labels.numpy()
        quotient = labeler.weigh(probabilities) / thresholds[:, None, None]
        score, argmax = quotient.max(1)
        np.testing.assert_allclose(score, case['normalised_max'], rtol=1e-5)
        np.testing.assert_array_equal(argmax, case['weighted_argmax'])
        clear = np.abs(case['normalised_max'] - 1) > 1e-5
        np.testing.assert_array_equal(
            labels[clear], case['pseudo_label_train_id'][clear]
        )
        assert (
            abs((labels != 255).mean() - case['selected_fraction_f64'])
            <= (~clear).mean() + 1e-6
        )
        if labeler.per_class:
            sizes = np.where(sampled > 0, sampled + 1, 0)
            np.testing.assert_array_equal(sizes, case['cls_size'])
            rare, rarest = rare_classes(
                case['cls_size'],
                float(case['mine_thresh_f64']),
                int(case['mine_id_number']),
            )
            assert set(rare) == set(case['mine_id_priority'].tolist())
            assert_rarest(rarest, case['cls_size'], case['mine_id'])
        else:
            np.testing.assert_array_equal(
                case['cls_size'], sampled.sum() + c + 1
            )
        check_clean_rank(labeler, pool, prior, float(case['portion_f64']), raw)


def check_clean_rank(labeler, pool, prior, portion, raw):
    """Without the zeros a threshold moves by their number of ranks at most."""
    c = labeler.num_classes
    clean = CBSTPseudoLabeler(c, labeler.per_class, prior=prior)
    counts = pool.counts(labeler.per_class)
    rank = (counts.double() * portion).floor().long()
    zeros = 1 if labeler.per_class else c + 1
    found = torch.from_numpy(raw > 0) & (rank > 0)
    upper = pool.kth_highest(rank) / labeler.scale
    lower = pool.kth_highest(rank + zeros) / labeler.scale
    ours = clean.fit(pool, portion)
    torch.testing.assert_close(ours[found], upper.expand(c)[found])
    thresholds = torch.from_numpy(raw).float()
    assert (thresholds >= lower * (1 - 1e-6))[found].all()
    assert (thresholds <= upper * (1 + 1e-6))[found].all()


def with_thresholds(labeler, case):
    labeler.thresholds = torch.from_numpy(case['cls_thresh'])
    maps = torch.from_numpy(case['prob']).permute(2, 0, 1)[None]
    return labeler(maps)


def test_crst_hard_labels(oracle_dir):
    for path in files(oracle_dir, 'cbst', 'crst_label_hard'):
        case = load(path)
        assert case['alpha'] == 0
        labeler = CBSTPseudoLabeler(case['prob'].shape[-1])
        labels = with_thresholds(labeler, case).labels[0].numpy()
        quotient = case['prob'] / case['cls_thresh']
        distinct = case['argmax_gap'] > 1e-6
        np.testing.assert_array_equal(
            quotient.argmax(-1)[distinct], case['weighted_argmax'][distinct]
        )
        clear = (np.abs(case['margin']) > 1e-5) & distinct
        np.testing.assert_array_equal(
            labels[clear], case['pseudo_label_train_id'][clear]
        )
        assert (
            abs((labels != 255).sum() - int(case['selected_count']))
            <= (~clear).sum()
        )


def test_lrent_labels(oracle_dir):
    for path in files(oracle_dir, 'cbst', 'crst_label_lrent'):
        case = load(path)
        labeler = LRENTPseudoLabeler(
            case['prob'].shape[-1], alpha=float(case['alpha'])
        )
        result = with_thresholds(labeler, case)
        soft = result.soft[0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(soft, case['soft_label'], atol=2e-5)
        distinct = case['argmax_gap'] > 1e-6
        np.testing.assert_array_equal(
            soft.argmax(-1)[distinct], case['weighted_argmax'][distinct]
        )
        clear = (np.abs(case['margin']) > 1e-5) & distinct
        labels = result.labels[0].numpy()
        np.testing.assert_array_equal(
            labels[clear], case['pseudo_label_train_id'][clear]
        )
        assert (
            abs((labels != 255).sum() - int(case['selected_count']))
            <= (~clear).sum()
        )
