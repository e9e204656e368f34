"""Thresholds and labels of DST-CBC (v1) and DMT against the official code."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmsemi.models.pseudo_labelers import ClassBalancedPseudoLabeler
from mmsemi.pseudo_labels.statistics import ConfidenceHistogram, ConfidencePool
from tests.oracles.kinds import cases, files


def batches(case):
    """Probabilities and (for DMT) true sizes, in the official batches."""
    logits = torch.from_numpy(case['logits'])
    size = tuple(case['input_size'].tolist())
    sizes = case.get('valid_hw', np.tile(size, (len(logits), 1)))
    step = int(case['batch_size'])
    for start in range(0, len(logits), step):
        up = F.interpolate(
            logits[start : start + step],
            size=size,
            mode='bilinear',
            align_corners=True,
        )
        yield up.softmax(1), sizes[start : start + step].tolist()


def run(case, rule, statistics_type, per_class=True):
    num_classes = case['logits'].shape[1]
    labeler = ClassBalancedPseudoLabeler(
        num_classes, rule, per_class, int(case['down_sample_rate'])
    )
    statistics = statistics_type(num_classes)
    for probabilities, sizes in batches(case):
        height, width = probabilities.shape[-2:]
        valid = torch.zeros(len(sizes), height, width, dtype=torch.bool)
        for mask, (h, w) in zip(valid, sizes):
            mask[:h, :w] = True
        labeler.collect(statistics, probabilities, valid)
    labeler.fit(statistics, float(case['label_ratio']))
    labels, confidences = [], []
    for probabilities, sizes in batches(case):
        result = labeler(probabilities)
        for k, (h, w) in enumerate(sizes):
            labels.append(result.labels[k, :h, :w].numpy())
            confidences.append(result.confidence[k, :h, :w].numpy())
    return labeler.thresholds.numpy(), labels, confidences


def share(labels):
    return sum((x != 255).sum() for x in labels) / sum(x.size for x in labels)


def check_degenerate(case, rule, per_class):
    """The official code raises; ours gives finite shares and no crash."""
    thresholds, labels, _ = run(case, rule, ConfidenceHistogram, per_class)
    assert not np.isnan(thresholds).any()
    assert 0 < share(labels) <= 1


def test_cbc_pseudo_labels(oracle_dir):
    for path in files(oracle_dir, 'dst_cbc', 'cbc_pseudo_labels'):
        for name, case in cases(path).items():
            per_class = not name.startswith('global')
            if str(case.get('error', '')):
                check_degenerate(case, 'scaled', per_class)
                continue
            thresholds, labels, _ = run(
                case, 'scaled', ConfidencePool, per_class
            )
            np.testing.assert_allclose(
                thresholds, case['thresholds'], atol=1e-6, err_msg=name
            )
            wrong = (np.stack(labels) != case['pseudo_labels']).sum()
            assert wrong <= 2, (name, wrong)
            assert share(labels) == pytest.approx(
                float(case['labelled_fraction']), abs=1e-3
            )
            check_streaming(case, 'scaled', per_class, thresholds)


def test_dmt_pseudo_labels(oracle_dir):
    for path in files(oracle_dir, 'dst_cbc', 'dmt_pseudo_labels'):
        for name, case in cases(path).items():
            if str(case.get('error', '')):
                check_degenerate(case, 'argmax', True)
                continue
            thresholds, labels, confidences = run(
                case, 'argmax', ConfidencePool
            )
            np.testing.assert_allclose(
                thresholds, case['thresholds'], atol=1e-6, err_msg=name
            )
            stored = case.like(r'label_conf_\d+')
            assert len(stored) == len(labels) > 0
            wrong = 0
            for key, label, confidence in zip(stored, labels, confidences):
                wrong += (label != case[key][..., 0]).sum()
                np.testing.assert_allclose(
                    confidence, case[key][..., 1], atol=1e-6
                )
            assert wrong <= 2, (name, wrong)
            assert share(labels) == pytest.approx(
                float(case['labelled_fraction']), abs=1e-3
            )
            check_streaming(case, 'argmax', True, thresholds)


def check_streaming(case, rule, per_class, exact):
    """The histogram's thresholds are the exact ones, to a bin's width."""
    thresholds, _, _ = run(case, rule, ConfidenceHistogram, per_class)
    assert (thresholds <= exact + 1e-7).all()
    np.testing.assert_allclose(
        1 - thresholds, 1 - exact, rtol=1 / 2048, atol=1e-6
    )
