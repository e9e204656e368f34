import copy

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate

from mmsemi.apis.test import (
    leave_out_scales,
    refuse_shared_names,
    save_predictions,
    use_tta,
)
from mmsemi.apis.test import test as run_test
from mmsemi.registry import DATASETS, MODELS
from mmsemi.utils.errors import UsageError
from tests.configs import config
from tests.tiny import make_tiny_set, tiny_config


@pytest.mark.parametrize('option', ['out', 'show_dir'])
def test_predictions_overwrite_no_files(tmp_path, option):
    (tmp_path / '0384.png').write_text('mine')
    with pytest.raises(UsageError, match='holds files'):
        run_test(
            'mean_teacher/shapes.py', 'any.pth', **{option: str(tmp_path)}
        )
    assert (tmp_path / '0384.png').read_text() == 'mine'


@pytest.mark.parametrize(
    'name',
    [
        'cbst/gta5_to_cityscapes',
        'crst/synthia_to_cityscapes_mrkld',
        'dst_cbc/voc_1-20_paper',
        'strict/voc12',
        'u2pl/voc_1464_released',
        'mean_teacher/camvid_1-16',
    ],
)
def test_flip_is_the_image_at_one_scale_and_its_mirror_image(name, tmp_path):
    pipeline = config(name).tta_pipeline
    leave_out_scales(pipeline)
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    cv2.imwrite(str(tmp_path / 'm.png'), np.zeros((20, 30), np.uint8))

    def about():
        return dict(
            img_path=str(tmp_path / 'a.png'),
            seg_map_path=str(tmp_path / 'm.png'),
            label_map=None,
            reduce_zero_label=False,
            seg_fields=[],
        )

    found = Compose(pipeline)(about())
    plain, mirrored = found['inputs']
    assert [sample.flip for sample in found['data_samples']] == [False, True]
    assert np.array_equal(plain.flip(-1), mirrored)
    if name != 'dst_cbc/voc_1-20_paper':  # tested on padded images
        without = Compose(config(name).test_pipeline)(about())
        assert without['inputs'].shape == plain.shape


def test_flip_averages_probabilities_of_both(tmp_path):
    root = make_tiny_set(tmp_path / 'set')
    cfg = tiny_config(root, tmp_path / 'run')
    cfg.tta_model = dict(type='SegTTAModel')
    cfg.tta_pipeline = [
        dict(type='LoadImageFromFile'),
        dict(
            type='TestTimeAug',
            transforms=[
                [
                    dict(type='Resize', scale_factor=s, keep_ratio=True)
                    for s in (0.5, 1.0)
                ],
                [
                    dict(type='RandomFlip', prob=p, direction='horizontal')
                    for p in (0.0, 1.0)
                ],
                [dict(type='LoadAnnotations')],
                [dict(type='PackSemiInputs')],
            ],
        ),
    ]
    cfg.test_dataloader = copy.deepcopy(cfg.val_dataloader)
    use_tta(cfg, '--flip')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    with torch.no_grad():
        found = model.test_step(pseudo_collate([dataset[0]]))[0]
        data = model.module.data_preprocessor(
            pseudo_collate(
                [
                    Compose(cfg.val_dataloader.dataset.pipeline)(
                        dataset.get_data_info(0)
                    )
                ]
            )
        )
        image = data['inputs']
        expected = sum(
            model.module.student.encode_decode(
                view, [sample.metainfo for sample in data['data_samples']]
            )
            .softmax(1)
            .flip(back)
            for view, back in ((image, ()), (image.flip(-1), (-1,)))
        )
    assert torch.equal(found.pred_sem_seg.data[0], expected.argmax(1)[0])


def test_flip_says_what_it_cannot_do():
    with pytest.raises(UsageError, match='Give one of them'):
        run_test('mean_teacher/shapes.py', 'any.pth', tta=True, flip=True)
    with pytest.raises(UsageError, match='--flip: the config has no tta'):
        use_tta(Config(dict(model=dict())), '--flip')
    pipeline = [dict(type='TestTimeAug', transforms=[[dict(type='X')]])]
    with pytest.raises(UsageError, match='has no mirror image'):
        leave_out_scales(pipeline)


def test_predictions_do_not_take_each_others_names(tmp_path):
    root = make_tiny_set(tmp_path / 'set')
    for folder in ('images', 'masks'):
        (root / folder / 'more').mkdir()
        (root / f'{folder}/00.png').rename(root / f'{folder}/more/15.png')
    (root / 'val.txt').write_text('15\nmore/15\n16\n')
    cfg = tiny_config(root, tmp_path / 'run')
    dataset = cfg.val_dataloader.dataset
    with pytest.raises(UsageError, match=r'of 15 and more/15 would both be'):
        refuse_shared_names(dataset, str(tmp_path / 'out'))
    (root / 'val.txt').write_text('more/15\n16\n')
    refuse_shared_names(dataset, str(tmp_path / 'out'))


@pytest.mark.parametrize(
    'kinds, writes',
    [
        (['IoUMetric'], 0),
        (['CalibrationErrorMetric', 'BoundaryIoUMetric', 'IoUMetric'], 2),
        (['CityscapesMetric', 'IoUMetric'], 0),
    ],
)
def test_one_of_several_metrics_writes(kinds, writes):
    metrics = [dict(type=kind) for kind in kinds]
    cfg = Config(dict(test_evaluator=metrics))
    save_predictions(cfg, 'there')
    found = [m.get('output_dir') for m in cfg.test_evaluator]
    assert found == [
        'there' if k == writes else None for k in range(len(kinds))
    ]
    assert ('keep_results' in cfg.test_evaluator[writes]) == (
        kinds[writes] == 'CityscapesMetric'
    )


def test_metrics_that_write_nothing():
    cfg = Config(dict(test_evaluator=[dict(type='CalibrationErrorMetric')]))
    with pytest.raises(UsageError, match='no metric of test_evaluator writes'):
        save_predictions(cfg, 'there')
