"""CorrMatch: correlations, spread labels, the moving threshold."""

import pytest
import torch
import torch.nn.functional as F

from mmsemi.models.decode_heads import CorrelationBranch
from mmsemi.models.losses import SoftmaxKLLoss
from mmsemi.models.pseudo_labelers import (
    DynamicThresholdPseudoLabeler,
    spread_over_regions,
)
from mmsemi.models.segmentors import CorrMatch
from mmsemi.models.targets import Targets
from tests.models.segmentors.peers import BRANCHES, build, total
from tests.models.segmentors.test_mean_teacher import data_of
from tests.models.tiny import tiny_student


def test_logits_are_passed_on_by_correlation():
    """Written out for every pair of pixels."""
    torch.manual_seed(0)
    branch = CorrelationBranch(5, 3, channels=4, norm_cfg=dict(type='BN'))
    branch.init_weights()
    branch.eval()
    features = torch.randn(2, 5, 2, 3)
    logits = torch.randn(2, 3, 4, 6, requires_grad=True)
    passed, correlation = branch(features, logits)
    hidden = branch.project(features)
    first, second = (
        part(hidden).flatten(2) for part in (branch.first, branch.second)
    )
    small = F.interpolate(logits, (2, 3), mode='bilinear', align_corners=True)
    small = small.flatten(2)
    for n in range(2):
        for i in range(6):
            scores = torch.stack(
                [
                    (first[n, :, i] * second[n, :, j]).sum() / 3**0.5
                    for j in range(6)
                ]
            )
            torch.testing.assert_close(
                correlation[n, i].flatten(), scores.softmax(0)
            )
        for j in range(6):
            wanted = sum(
                small[n, :, i] * correlation[n, i].flatten()[j]
                for i in range(6)
            )
            torch.testing.assert_close(passed[n].flatten(1)[:, j], wanted)
    passed.sum().backward()
    assert logits.grad is None
    assert branch.first.weight.grad.any() and branch.second.weight.grad.any()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_correlation_is_float32_under_amp(dtype):
    """Its products overflow half precision, its shares vanish there."""
    torch.manual_seed(0)
    branch = CorrelationBranch(5, 19, channels=4, norm_cfg=dict(type='BN'))
    branch.eval()
    with torch.no_grad():
        branch.first.weight *= 1000
        branch.second.weight *= 1000
    features, logits = torch.randn(1, 5, 4, 4), torch.randn(1, 19, 4, 4)
    with torch.autocast('cpu', dtype=dtype):
        hidden = branch.project(features)
        first, second = branch.first(hidden), branch.second(hidden)
        passed, correlation = branch(features, logits)
    assert first.dtype == dtype
    first, second = (part.float().flatten(2) for part in (first, second))
    products = first.transpose(1, 2) @ second
    assert products.abs().max() > torch.finfo(torch.float16).max
    wanted = (products / 19**0.5).softmax(-1)
    torch.testing.assert_close(correlation.flatten(2), wanted)
    assert passed.dtype == torch.float32
    torch.testing.assert_close(passed.flatten(2), logits.flatten(2) @ wanted)


def spread_in_loops(labels, weights, rows, inside, threshold, classes):
    """One region after the other, as the text has it."""
    labels, weights = labels.clone(), weights.clone()
    maps = F.interpolate(
        rows[None], labels.shape, mode='bilinear', align_corners=True
    )[0]
    known, sure = labels.clone(), weights > 0
    for one in maps:
        if one.max() == one.min():
            continue
        region = (one - one.min()) / (one.max() - one.min()) > 0.5
        region &= inside
        if not region.any():
            continue
        confident = region & sure & (known < classes)
        if confident.sum() / region.sum() < threshold:
            continue
        counts = known[confident].bincount(minlength=classes)
        if counts.max() / counts.sum() > threshold:
            labels[region], weights[region] = counts.argmax(), 1.0
    return labels, weights


@pytest.mark.parametrize('threshold', [0.3, 0.6, 0.9])
def test_regions_get_the_class_of_their_sure_pixels(threshold):
    torch.manual_seed(1)
    rows = torch.randn(2, 30, 3, 4).cumsum(3).softmax(-1)
    rows[0, 3] = 0.5  # the same everywhere: no region
    labels = torch.randint(0, 3, (2, 12, 16)).clamp(max=1)
    labels[:, :, :9] = 2
    labels[0, 5:7, 5:9] = 255
    weights = (torch.rand(2, 12, 16) < 0.8).float()
    inside = torch.rand(2, 12, 16) < 0.9
    targets = Targets(labels, weights=weights)
    found = spread_over_regions(
        targets, rows, inside, torch.tensor(threshold), 3
    )
    changed = 0
    for k in range(2):
        wanted = spread_in_loops(
            labels[k], weights[k], rows[k], inside[k], threshold, 3
        )
        assert torch.equal(found.labels[k], wanted[0])
        assert torch.equal(found.weights[k], wanted[1])
        changed += (wanted[1] != weights[k]).sum()
    assert changed > 0 or threshold == 0.9
    assert torch.equal(found.labels.where(inside, labels), found.labels)
    with torch.autocast('cpu', torch.bfloat16):
        half = spread_over_regions(
            targets, rows, inside, torch.tensor(threshold), 3
        )
    assert torch.equal(half.labels, found.labels)


def test_threshold_follows_the_highest_confidence_of_each_class():
    labeler = DynamicThresholdPseudoLabeler(start=0.5, momentum=0.1)
    probabilities = torch.tensor(
        [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.3, 0.7, 0.0], [0.0, 1.0, 0.0]]
    )
    probabilities = probabilities.T[None, :, None]
    valid = torch.tensor([[[True, True, True, False]]])
    targets = labeler(probabilities, valid)
    # Mean of 0.9 and 0.7; what is padded and the third class do not count.
    assert labeler.threshold == pytest.approx(0.9 * 0.5 + 0.1 * 0.8)
    assert targets.labels.flatten().tolist() == [0, 0, 1, 1]
    assert targets.weights.flatten().tolist() == [1, 1, 1, 1]
    labeler.eval()
    before = labeler.threshold.clone()
    labeler(probabilities, valid)
    assert labeler.threshold == before
    labeler.train()
    labeler(probabilities, torch.zeros_like(valid))  # nothing to learn from
    assert labeler.threshold == before
    restored = DynamicThresholdPseudoLabeler()
    restored.load_state_dict(labeler.state_dict())
    assert restored.threshold == before
    with pytest.raises(ValueError, match='got 1.5'):
        DynamicThresholdPseudoLabeler(start=1.5)


def test_divergence_is_that_of_pytorch():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4, 5, requires_grad=True)
    soft = torch.randn(2, 3, 4, 5).softmax(1)
    soft[0, :, 0] = torch.tensor([1.0, 0.0, 0.0])[:, None]
    weights = (torch.rand(2, 4, 5) < 0.5).float()
    valid = torch.rand(2, 4, 5) < 0.8
    labels = soft.argmax(1)
    targets = Targets(labels, weights=weights, valid=valid, soft=soft)
    found = SoftmaxKLLoss()(logits, targets)
    each = F.kl_div(logits.log_softmax(1), soft, reduction='none').sum(1)
    wanted = (each * weights * valid).sum() / valid.sum()
    torch.testing.assert_close(found, wanted)
    found.backward()
    assert logits.grad.isfinite().all()
    none = Targets(labels, weights=weights, valid=valid & False, soft=soft)
    assert SoftmaxKLLoss()(logits, none) == 0


def test_loss_is_that_of_the_formula():
    """In eval mode, where forwards do not change one another."""
    model = build(
        CorrMatch, threshold=0.28, correlation=dict(dropout_ratio=0.0)
    ).eval()
    torch.nn.init.normal_(model.correlation.first.weight)
    torch.nn.init.normal_(model.correlation.second.weight)
    model.perturbation.prob = 0.0
    model.recording = True
    data = model.data_preprocessor(data_of(BRANCHES[CorrMatch]), True)
    losses = model(**data, mode='loss')
    (mixed,) = model.records['mixed']
    spread, own, corr, _ = (r.targets for r in model.records['learned'])

    def passed(images):
        feats = model.student.extract_feat(images)
        logits = model.student.decode_head(feats)
        both = logits, model.correlation(feats[3], logits)[0]
        return [F.interpolate(x, (32, 32), mode='bilinear') for x in both]

    def ce(logits, targets):
        each = F.cross_entropy(
            logits, targets.labels, reduction='none', ignore_index=255
        )
        return (each * targets.weights).sum() / targets.valid.sum()

    strong, strong_corr = passed(mixed.images)
    weak, weak_corr = passed(data['inputs']['unsup_teacher'])
    sup, sup_corr = passed(data['inputs']['sup'])
    truth = torch.stack(
        [s.gt_sem_seg.data[0] for s in data['data_samples']['sup']]
    )
    kl = F.kl_div(strong.log_softmax(1), corr.soft, reduction='none').sum(1)
    kl = (kl * corr.weights).sum() / corr.valid.sum()
    wanted = dict(
        loss_sup_ce=F.cross_entropy(sup, truth, ignore_index=255) / 4,
        loss_sup_corr_ce=F.cross_entropy(sup_corr, truth, ignore_index=255)
        / 4,
        loss_unsup=ce(strong, spread) / 8,
        loss_unsup_kl=kl / 8,
        loss_unsup_fp=ce(weak, own) / 8,
        loss_unsup_corr=ce(strong_corr, corr) / 16,
        loss_unsup_corr_weak=ce(weak_corr, own) / 16,
    )
    found = {key: v for key, v in losses.items() if 'loss' in key}
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        torch.testing.assert_close(found[key], value, msg=key)
    assert losses['threshold'] == pytest.approx(0.28)
    assert 0 < own.weights.mean() < 1


def test_only_own_pixels_are_spread():
    model = build(
        CorrMatch,
        threshold=0.0,
        mixing=dict(type='CutMix', box='cutmix_seg', prob=1.0),
    )
    model.recording = True
    seen = []
    spread = model.spread
    model.spread = lambda *args: (
        seen.append((args[0], spread(*args))) or (seen[0][1])
    )
    data = model.data_preprocessor(data_of(BRANCHES[CorrMatch]), True)
    total(model(**data, mode='loss')).backward()
    ((before, after),) = seen
    pasted = before.beside.labels == 1
    assert 0.4 < pasted.float().mean() < 0.6
    assert torch.equal(after.labels[pasted], before.labels[pasted])
    assert (after.labels != before.labels).any()


def test_the_student_alone_is_what_remains():
    model = build(CorrMatch)
    plain = {
        key: value
        for key, value in model.state_dict().items()
        if key.startswith('student.')
    }
    other = build(CorrMatch)
    other.load_state_dict(
        {k.removeprefix('student.'): v for k, v in plain.items()}, strict=False
    )
    for key, value in plain.items():
        assert torch.equal(other.state_dict()[key], value)
    with pytest.raises(TypeError, match='momentum=0'):
        build(CorrMatch, pseudo_labeler=dict(type='ConfidencePseudoLabeler'))


def test_a_head_around_another_reads_what_that_does():
    model = CorrMatch(tiny_student(embeddings=True)).train()
    data = model.data_preprocessor(data_of(BRANCHES[CorrMatch]), True)
    losses = model(**data, mode='loss')
    assert all(torch.isfinite(value).all() for value in losses.values())
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    for part in (model.correlation, model.student):
        assert all(p.grad is not None for p in part.parameters())
