"""The picture of a run shows the network that the run gives away."""

import copy

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook

from mmsemi.registry import DATASETS, HOOKS
from mmsemi.self_training.batch_predictor import BatchPredictor
from tests.engine.test_online_training import online_config
from tests.tiny import make_tiny_set, tiny_config, train


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


@HOOKS.register_module()
class PullApartHook(Hook):
    """Let each network find a class of its own, whatever it has learned."""

    def after_train_iter(self, runner, batch_idx, **_) -> None:
        if batch_idx != 3:
            return
        for k, name in enumerate(runner.model.sub_models):
            network = getattr(runner.model, name)
            network.decode_head.conv_seg.bias.data[k] = 100


def labels_of(network, model, dataset, index):
    """What a network sees in an image, by mmseg alone."""
    batch = pseudo_collate([dataset[index]])
    images = model.data_preprocessor(batch, False)['inputs']
    meta = dict(img_shape=images.shape[-2:], ori_shape=images.shape[-2:])
    with torch.no_grad():
        return network.inference(images, [meta])[0].argmax(0).numpy()


@pytest.mark.parametrize('network', ['teacher', 'student'])
def test_online_methods_show_the_network_they_predict_with(
    root, tmp_path, network
):
    cfg = online_config(root, tmp_path)
    cfg.model.semi_test_cfg.predict_on = network
    cfg.label_dataloader = tiny_config(root, tmp_path).label_dataloader
    cfg.custom_hooks[-1].update(schedule='constant', momentum=0.01)
    cfg.custom_hooks.append(dict(type='PullApartHook', priority='LOWEST'))
    cfg.default_hooks = dict(picture=dict(type='RoundPictureHook'))
    for key in ('val_cfg', 'val_dataloader', 'val_evaluator'):
        cfg.pop(key)
    model = train(cfg).model.eval()
    dataset = DATASETS.build(copy.deepcopy(cfg.label_dataloader.dataset))
    shown = np.load(tmp_path / 'pictures/round_0.npz')
    differ = False
    for k, index in enumerate(shown['indices'].tolist()):
        both = {
            name: labels_of(getattr(model, name), model, dataset, index)
            for name in model.sub_models
        }
        assert (shown[f'after_{k}'] == both[network]).all()
        differ |= bool((both['teacher'] != both['student']).any())
    assert differ


def test_certainty_is_that_of_the_labels_of_the_round(root, tmp_path):
    """Of the weights and views that labeled, not of the trained network."""
    cfg = tiny_config(root, tmp_path)
    cfg.train_cfg.update(portions=[1.0], iters_per_round=2)
    cfg.custom_hooks[1].update(flip=True)
    cfg.default_hooks = dict(picture=dict(type='RoundPictureHook'))
    runner = train(cfg)
    assert runner.train_loop.labeled_by is None
    model = runner.model.eval()
    weights = tmp_path / 'pseudo_labels/labeling_model_1.pth'
    model.load_state_dict(torch.load(weights)['state_dict'])
    predict = BatchPredictor(model, flip=True)
    dataset = runner.train_loop.label_dataset
    shown = np.load(tmp_path / 'pictures/labels_1.npz')
    for k, index in enumerate(shown['indices'].tolist()):
        with torch.no_grad():
            found = predict(pseudo_collate([dataset[index]])).probabilities
        wanted = found[0].amax(0).half().numpy()
        assert (shown[f'confidence_{k}'] == wanted).all()
