"""Compiled backbones give the same figures, and their weights their names."""

from types import SimpleNamespace

import torch

from mmsemi.engine.hooks import CompileHook
from mmsemi.registry import MODELS
from tests.models.tiny import tiny_student


def test_compiled_networks_keep_values_and_names() -> None:
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='MeanTeacher',
            student=tiny_student(),
            pseudo_labeler=dict(type='ConfidencePseudoLabeler'),
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
        )
    ).eval()
    images = torch.rand(2, 3, 32, 32)
    names = list(model.state_dict())
    before = model.student(images, mode='tensor')
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    CompileHook(backend=backend).before_train(SimpleNamespace(model=model))
    after = model.student(images, mode='tensor')
    assert len(graphs) == 1
    model.teacher(images, mode='tensor')
    assert len(graphs) > 1
    torch.testing.assert_close(before, after)
    assert list(model.state_dict()) == names

    plain = MODELS.build(tiny_student())
    CompileHook(backend=backend).before_train(SimpleNamespace(model=plain))
    number = len(graphs)
    plain(images, mode='tensor')
    assert len(graphs) > number
