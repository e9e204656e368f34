"""Checkpoints of loops that count epochs, as mmseg's own configs have them."""

import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmsemi.engine.hooks import SafeCheckpointHook


class Line(BaseModel):
    """A model of two parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(1, 1)

    def forward(self, inputs, mode='loss'):
        return dict(loss=self.line(torch.stack(inputs)).square().mean())


def test_epochs_that_are_due_and_the_last_one(tmp_path):
    runner = Runner(
        model=Line(),
        work_dir=str(tmp_path),
        train_dataloader=dict(
            dataset=[dict(inputs=torch.ones(1))] * 4,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='pseudo_collate'),
            batch_size=2,
        ),
        train_cfg=dict(by_epoch=True, max_epochs=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(logger=None, checkpoint=None),
        custom_hooks=[
            SafeCheckpointHook(interval=2, by_epoch=True, max_keep_ckpts=-1)
        ],
        experiment_name=tmp_path.name,
        log_level='ERROR',
    )
    runner.train()
    names = sorted(path.name for path in tmp_path.glob('*.pth'))
    assert names == ['epoch_2.pth', 'epoch_3.pth']
    last = tmp_path / 'epoch_3.pth'
    assert (tmp_path / 'last_checkpoint').read_text() == str(last)
    meta = torch.load(last, weights_only=False)['meta']
    assert (meta['epoch'], meta['iter']) == (3, 6)
