"""One whole step of our configs against the formulas of the methods.

Networks and crops are small, everything else is that of the config. The
formulas are written out here, with nothing of the losses of the package:
what is compared is how the parts are put together. Padding is in every
batch, and it is to have no effect. (The contrastive objective of U2PL draws
at random; it is compared with the published code file by file, see
tests/oracles, and left out of the sums here.)
"""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmsemi.registry import MODELS
from tests.configs import config
from tests.models.tiny import batch

SIZE = (33, 41)
SMALL = dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8)
VOID = 255


def quiet(cfg):
    """A small network without dropout in the place of the student's."""
    student = copy.deepcopy(cfg.model.student)
    keep = ('strides', 'dilations', 'out_indices', 'norm_cfg', 'norm_eval')
    student.backbone = dict(
        SMALL,
        **{k: student.backbone[k] for k in keep if k in student.backbone},
    )
    head = student.decode_head
    head.in_channels = 64
    if 'c1_in_channels' in head:
        head.update(c1_in_channels=8, c1_channels=8, channels=16)
        head.update(dilations=(1, 2, 3, 4), dropout_ratio=0)
        head.pop('representation_head', None)
    if 'auxiliary_head' in student:
        student.auxiliary_head.update(
            in_channels=32, channels=8, dropout_ratio=0
        )
    student.data_preprocessor.size = SIZE
    student.init_cfg = None
    return student


def pad(data, branches, columns=9, label=VOID):
    """The right of every image is padding."""
    for branch in branches:
        for image in data['inputs'][branch]:
            image[..., -columns:] = 0
        for sample in data['data_samples'][branch]:
            sample.gt_sem_seg.data[..., -columns:] = label


def labels_of(data, branch):
    return torch.stack(
        [s.gt_sem_seg.data[0] for s in data['data_samples'][branch]]
    ).long()


def enlarged(logits, size=SIZE, align=True):
    return F.interpolate(logits, size, mode='bilinear', align_corners=align)


def mean_ce(logits, labels):
    """Sum of -log p of the label over labeled pixels, by their number."""
    valid = labels != VOID
    log_p = logits.log_softmax(1).gather(1, labels.where(valid, 0)[:, None])
    return -(log_p[:, 0] * valid).sum() / valid.sum()


def hardest_ce(logits, labels, thresh, min_kept):
    """OHEM: labels of probability <= max(thresh, that of the k-th lowest)."""
    valid = labels != VOID
    log_p = logits.log_softmax(1).gather(1, labels.where(valid, 0)[:, None])
    found = log_p[:, 0][valid]
    kth = found.exp().sort().values[min_kept - 1].clamp(min=thresh)
    kept = found.exp() <= kth
    assert 0 < kept.sum() < len(found)
    return -found[kept].mean()


@pytest.mark.parametrize('progress', [0.02, 0.5])
@pytest.mark.parametrize(
    'data', ['voc_1464', 'voc_1464_released', 'cityscapes_744']
)
def test_u2pl(data, progress) -> None:
    """Equations 1 to 8 without mixing; N and percentiles know no padding.

    As released, padding is background, labeled, and counted in both.
    """
    cfg = config(f'u2pl/{data}')
    cfg.model.student = quiet(cfg)
    cfg.model.contrast = cfg.model.mixing = None
    ohem = dict(thresh=0.11 if data.startswith('voc') else 0.06, min_kept=300)
    aux = 'auxiliary_head' in cfg.model.student
    assert aux == data.startswith('cityscapes')
    for name in ('decode_head', 'auxiliary_head') if aux else ():
        loss = cfg.model.student[name].loss_decode
        assert loss.type == 'OHEMCrossEntropyLoss' and loss.thresh == 0.7
        loss.update(ohem)  # of a few pixels, in an untrained network
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    # Sure of itself, so that no two pixels have nearly the same entropy.
    for net in (model.student, model.teacher):
        net.decode_head.conv_seg.weight.data *= 30
    # The teacher is some steps behind.
    for part in model.teacher.parameters():
        part.data += 0.02 * torch.randn_like(part)
    model.train()
    steps = cfg.train_cfg.max_iters
    model.set_progress(int(progress * steps), steps)
    found = batch(
        dict(sup=2, unsup_teacher=2, unsup_student=2), SIZE, num_classes=19
    )
    found['inputs']['unsup_student'] = [
        image.clone() for image in found['inputs']['unsup_teacher']
    ]
    for branch in ('unsup_teacher', 'unsup_student'):
        for sample in found['data_samples'][branch]:
            sample.gt_sem_seg.data[:] = 0  # says only what is padding
    released = data.endswith('released')
    pad(found, found['inputs'], label=0 if released else VOID)
    data_in = model.data_preprocessor(found, True)
    labeled = data_in['inputs']['sup']
    weak = data_in['inputs']['unsup_teacher']
    truth = labels_of(found, 'sup')
    real = labels_of(found, 'unsup_teacher') != VOID
    assert real.all() == released

    # By hand.
    student, teacher = (
        copy.deepcopy(net) for net in (model.student, model.teacher)
    )
    with torch.no_grad():
        pseudo = enlarged(
            teacher.eval().decode_head(teacher.extract_feat(weak))
        ).argmax(1)
        both = torch.cat([labeled, weak])
        feats = teacher.train().extract_feat(both)
        p = enlarged(teacher.decode_head(feats)[2:]).softmax(1)
        entropy = -(p * (p + 1e-10).log()).sum(1)
        epoch = cfg.model.semi_train_cfg.iters_per_epoch
        t = int(progress * steps) // epoch * epoch / steps
        # Each image of this batch stands for a device of the published step,
        # which has percentiles and counts of its own.
        kept = real.clone()
        for one in range(2):
            drop = np.percentile(
                entropy[one][real[one]].double().numpy(), 100 - 20 * (1 - t)
            )
            kept[one] &= entropy[one].double() < drop
    feats = student.extract_feat(both)
    logits = enlarged(student.decode_head(feats))
    learned = pseudo.masked_fill(~kept, VOID)
    expected = dict(
        loss_unsup=sum(
            real[one].sum()
            / kept[one].sum()
            * mean_ce(logits[2 + one, None], learned[one, None])
            for one in range(2)
        )
        / 2
    )
    if aux:
        # It sees the whole batch, as published.
        side = enlarged(student.auxiliary_head(feats))[:2]
        expected['loss_sup_ohem'] = hardest_ce(logits[:2], truth, **ohem)
        expected['loss_sup_aux_ohem'] = 0.4 * hardest_ce(side, truth, **ohem)
    else:
        expected['loss_sup_ce'] = mean_ce(logits[:2], truth)

    losses = model(**data_in, mode='loss')
    named = {k: v for k, v in losses.items() if 'loss' in k}
    assert named.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(named[key], value, rtol=1e-4, atol=1e-5)
    # The weight is 1 / 0.8 at the start, whatever is padding.
    assert (real.sum() / kept.sum()).item() == pytest.approx(
        1 / (0.8 + 0.2 * t), rel=0.01
    )


def in_rounds(name, classes, seed=0, **head):
    """Model, preprocessed batch of labeled and pseudo-labeled images."""
    cfg = config(name)
    if 'ResNet38' in str(cfg.model):
        student = cfg.model.student
        student.backbone.update(base_channels=4, init_cfg=None)
        student.decode_head.update(in_channels=256, channels=8)
        student.data_preprocessor.size = SIZE
    else:
        cfg.model.student = quiet(cfg)
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.train()
    found = batch(dict(sup=2, pseudo=2), SIZE, classes)
    pad(found, found['inputs'])
    labels = torch.cat([labels_of(found, b) for b in ('sup', 'pseudo')])
    data = model.data_preprocessor(found, True)
    images = torch.cat([data['inputs'][b] for b in ('sup', 'pseudo')])
    return model, data, images, labels


def pixel_ce(logits, labels):
    valid = labels != VOID
    log_p = logits.log_softmax(1).gather(1, labels.where(valid, 0)[:, None])
    return -log_p[:, 0] * valid, valid


def test_dst_cbc() -> None:
    """Sum of w CE over #valid, w = p(y)^9 where pseudo-labeled."""
    model, data, images, labels = in_rounds('dst_cbc/voc_1-20_paper', 21)
    student = copy.deepcopy(model.student)
    logits = enlarged(student.decode_head(student.extract_feat(images)))
    ce, valid = pixel_ce(logits, labels)
    weights = torch.ones_like(ce)
    weights[2:] = (-9 * ce[2:]).exp().detach()
    wanted = (weights * ce).sum() / valid.sum()
    losses = model(**data, mode='loss')
    torch.testing.assert_close(losses['decode.loss_seg'], wanted)
    total = [k for k in losses if 'loss' in k]
    assert total == ['decode.loss_seg']


@pytest.mark.parametrize(
    'name', ['cbst/gta5_to_cityscapes', 'crst/gta5_to_cityscapes_mrkld']
)
def test_cbst_and_crst(name) -> None:
    """Mean over valid pixels of source and target; MRKLD over the latter."""
    model, data, images, labels = in_rounds(name, 19)
    # Frozen statistics and no dropout: train and test mode are the same.
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    head = model.student.decode_head
    logits = enlarged(
        head(model.student.extract_feat(images)), align=head.align_corners
    )
    ce, valid = pixel_ce(logits, labels)
    losses = model(**data, mode='loss')
    torch.testing.assert_close(
        losses['decode.loss_seg'], ce.sum() / valid.sum()
    )
    if 'mrkld' in name:
        target = valid.clone()
        target[:2] = False
        uniform = -logits.log_softmax(1).mean(1)
        torch.testing.assert_close(
            losses['decode.loss_reg'],
            0.01 * (uniform * target).sum() / target.sum(),
        )
    wanted = 2 if 'mrkld' in name else 1
    assert sum('loss' in key for key in losses) == wanted


@pytest.mark.parametrize('name', ['strict/voc12', 'strict/voc12_paper'])
def test_strict(name) -> None:
    """Six views, agreement on unseen classes, one cross entropy at stride 8.

    Void and padding stay ignored, but for the published ``_paper``.
    """
    cfg = config(name)
    student = copy.deepcopy(cfg.model.student)
    student.backbone = dict(
        SMALL,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        out_indices=(3,),
        norm_eval=True,
    )
    head = student.decode_head
    head.head.update(in_channels=64)
    head.update(embeddings=None, embedding_dim=12, save_embeddings=True)
    student.data_preprocessor.size = SIZE
    cfg.model.student = student
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    table = F.normalize(torch.randn(20, 12), dim=1)
    model.student.decode_head.embeddings.copy_(table)
    model.refresh_generator()
    for part in model.student.parameters():  # the student has moved on
        part.data += 0.01 * torch.randn_like(part)
    model.train()
    found = batch(dict(sup=2), SIZE, num_classes=15)
    found = {key: value['sup'] for key, value in found.items()}
    for sample in found['data_samples']:
        mask = sample.gt_sem_seg.data
        mask[:, 6:30] = 254  # not annotated: background and unseen
        mask[..., -9:] = VOID
    data = model.data_preprocessor(found, True)
    images = data['inputs']
    labels = torch.stack([s.gt_sem_seg.data[0] for s in data['data_samples']])

    # By hand: features times vectors of the classes.
    def scores(network, x, classes):
        branches = network.decode_head.head.convs
        (feats,) = network.extract_feat(x)
        out = sum(conv(feats) for conv in branches)
        return torch.einsum('ndhw,cd->nchw', out, table[classes])

    z = scores(model.student, images, slice(None))
    height, width = z.shape[-2:]
    rows = (torch.arange(height) * SIZE[0] / height).floor().long()
    columns = (torch.arange(width) * SIZE[1] / width).floor().long()
    small = labels[:, rows][:, :, columns].long()
    with torch.no_grad():
        votes = []
        for scale in (1.0, 1.5, 1.75):
            for mirrored in (False, True):
                x = images.flip(-1) if mirrored else images
                if scale != 1:
                    x = F.interpolate(
                        x,
                        scale_factor=scale,
                        mode='bilinear',
                        align_corners=False,
                    )
                view = scores(model.generator, x, slice(15, None))
                view = view.flip(-1) if mirrored else view
                view = enlarged(view, (height, width), align=False)
                votes.append(view.argmax(1))
        agree = torch.stack(votes).eq(votes[0]).all(0)
    free = small == 254
    if name.endswith('_paper'):
        free = free | (small == VOID)
    target = torch.where(free & agree, votes[0] + 15, small)
    target = target.masked_fill(target == 254, VOID)
    assert 0 < (free & agree).sum() < free.sum()
    losses = model(**data, mode='loss')
    loss = [value for key, value in losses.items() if 'loss' in key]
    assert len(loss) == 1
    torch.testing.assert_close(loss[0], mean_ce(z, target))
