"""Steps of our segmentor, optimizer wrapper and schedule against theirs."""

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmengine.optim import build_optim_wrapper
from mmseg.models.decode_heads.decode_head import BaseDecodeHead

from mmsemi.registry import MODELS, PARAM_SCHEDULERS
from tests.models.tiny import sample
from tests.oracles.kinds import Arrays, cases, files

# Module names of the oracle and ours.
NAMES = dict(
    backbone='student.backbone.conv',
    bn='student.backbone.bn',
    classifier='student.decode_head.classifier',
)


@MODELS.register_module(force=True)
class OracleBackbone(BaseModule):
    """3x3 convolution, BatchNorm and ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.bn = torch.nn.BatchNorm2d(4, momentum=0.1)

    def forward(self, x):
        return (self.bn(self.conv(x)).relu(),)


@MODELS.register_module(force=True)
class OracleHead(BaseDecodeHead):
    """3x3 convolution of stride 2."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(
            4, 4, num_classes=num_classes, align_corners=True, init_cfg=None
        )
        del self.conv_seg
        self.classifier = torch.nn.Conv2d(4, num_classes, 3, 2, 1)

    def forward(self, inputs):
        return self.classifier(inputs[0])


class Loop:
    """The loop of a case, driven through our parts."""

    def __init__(self, case: Arrays) -> None:
        self.case = case
        self.tensors = {
            key: torch.from_numpy(case[key])
            for key in case.like('(pseudo|labelled|val)_.*')
        }
        mutual = 'gamma1' in case
        if mutual:
            objective = dict(
                type='DynamicMutualLoss',
                gamma1=float(case['gamma1']),
                gamma2=float(case['gamma2']),
            )
        else:
            objective = dict(
                type='DynamicSelfTrainingLoss', gamma=float(case['gamma'])
            )
        self.model = MODELS.build(
            dict(
                type='SelfTrainingSegmentor',
                student=dict(
                    type='EncoderDecoder',
                    data_preprocessor=dict(
                        type='SegDataPreProcessor',
                        size=tuple(case['pseudo_images'].shape[-2:]),
                    ),
                    backbone=dict(type='OracleBackbone'),
                    decode_head=dict(
                        type='OracleHead', num_classes=int(case['num_classes'])
                    ),
                    test_cfg=dict(mode='whole'),
                ),
                objective=objective,
            )
        )
        self.load('init')
        self.wrapper = build_optim_wrapper(
            self.model,
            dict(
                optimizer=dict(
                    type='SGD',
                    lr=float(case['lr']),
                    momentum=float(case.get('momentum', 0.9)),
                    weight_decay=float(case['weight_decay']),
                )
            ),
        )
        self.steps = len(case['pseudo_images']) * int(case['epochs'])
        self.scheduler = PARAM_SCHEDULERS.build(
            dict(
                type='PolyLR',
                power=float(case.get('power', 0.9)),
                eta_min=0,
                by_epoch=False,
                begin=0,
                end=self.steps + 1,
                optimizer=self.wrapper,
            )
        )

    def state(self, when: str) -> dict:
        """Weights of the oracle under our names."""
        result = {}
        for key, value in self.case.part(f'{when}.').items():
            module, tensor = key.split('.')
            result[f'{NAMES[module]}.{tensor}'] = torch.tensor(value)
        return result

    def load(self, when: str) -> None:
        self.model.load_state_dict(self.state(when), strict=True)

    def batch(self, step: int) -> dict:
        """Pseudo-labeled and labeled batch of one step."""
        c = self.tensors
        i = step % len(c['pseudo_images'])
        if 'pseudo_targets' in c:
            labels, confidence = c['pseudo_targets'][i].unbind(1)
            labels = labels.long()
        else:
            labels = c['pseudo_labels'][i]
            confidence = [None] * len(labels)
        pseudo = [sample(y, s) for y, s in zip(labels, confidence)]
        images = list(c['pseudo_images'][i])
        # The supervised case reads its labels from the pseudo_* list.
        if not int(self.case.get('with_labelled', 1)):
            return dict(inputs=dict(sup=images), data_samples=dict(sup=pseudo))
        # The labeled list cycles and goes on over epochs.
        k = step % len(c['labelled_images'])
        return dict(
            inputs=dict(pseudo=images, sup=list(c['labelled_images'][k])),
            data_samples=dict(
                pseudo=pseudo, sup=[sample(y) for y in c['labelled_labels'][k]]
            ),
        )

    def miou(self) -> float:
        """Mean IoU in percent on the validation batch."""
        images, labels = self.tensors['val_images'], self.tensors['val_labels']
        n = int(self.case['num_classes'])
        self.model.eval()
        with torch.no_grad():
            logits = F.interpolate(
                self.model(images),
                labels.shape[-2:],
                mode='bilinear',
                align_corners=True,
            )
        self.model.train()
        keep = labels != 255
        matrix = (
            torch.bincount(
                labels[keep] * n + logits.argmax(1)[keep], minlength=n * n
            )
            .view(n, n)
            .double()
        )
        hit = matrix.diag()
        iou = 100 * hit / (matrix.sum(0) + matrix.sum(1) - hit)
        return iou.mean().item()

    def run(self) -> tuple:
        """Per step: log variables and learning rate; and the best mIoU."""
        logs, rates = [], []
        self.model.train()
        miou = self.miou() if self.steps == 1 else None
        for step in range(self.steps):
            rates.append(self.wrapper.get_lr()['lr'][0])
            logs.append(
                {
                    k: v.item()
                    for k, v in self.model.train_step(
                        self.batch(step), self.wrapper
                    ).items()
                }
            )
            self.scheduler.step()
            if step == self.steps - 2:
                miou = self.miou()
        return logs, rates, miou


def check_end(name: str, loop: Loop, miou: float) -> None:
    """Final weights and the validation in the last step but one."""
    state = loop.model.state_dict()
    final = loop.state('final')
    assert set(final) == set(state)
    for key, want in final.items():
        np.testing.assert_allclose(
            state[key], want, atol=1e-4, err_msg=f'{name} {key}'
        )
    np.testing.assert_allclose(miou, loop.case['best_miou_percent'], rtol=1e-6)


def test_dst_training_loop(oracle_dir) -> None:
    for path in files(oracle_dir, 'dst_cbc', 'training_loop'):
        for name, case in cases(path).items():
            loop = Loop(case)
            logs, rates, miou = loop.run()
            np.testing.assert_allclose(
                rates, case['lr_per_iter'], rtol=0, atol=1e-9, err_msg=name
            )
            np.testing.assert_allclose(
                [log['loss'] for log in logs],
                case['loss_per_iter'],
                atol=1e-4,
                err_msg=name,
            )
            check_end(name, loop, miou)


def test_dmt_training_loop(oracle_dir) -> None:
    columns = dict(
        loss='loss',
        disagree='pseudo_disagree',
        current_win='pseudo_live_wins',
        avg_weights='avg_weight',
    )
    for path in files(oracle_dir, 'dst_cbc', 'training_loop_dmt'):
        for name, case in cases(path).items():
            loop = Loop(case)
            logs, rates, miou = loop.run()
            for k, column in enumerate(
                str(case['per_iter_columns']).split(',')
            ):
                got = (
                    rates
                    if column == 'lr'
                    else [log[columns[column]] for log in logs]
                )
                np.testing.assert_allclose(
                    got,
                    case['per_iter'][:, k],
                    rtol=0,
                    atol=1e-9 if column == 'lr' else 1e-4,
                    err_msg=f'{name} {column}',
                )
            check_end(name, loop, miou)
