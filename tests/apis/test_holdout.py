import json

import cv2
import numpy as np
import pytest
from mmseg.apis import inference_model, init_model

from mmsemi.apis.fit_run import take_model
from mmsemi.apis.holdout import evaluate_holdout, show_unlabeled
from mmsemi.report.own_data.gallery import read_gallery
from mmsemi.report.own_data.run_folder import RunFolder
from mmsemi.utils.errors import UsageError
from tests.report.own_data.made_run import write_pair, write_run


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Measured with a random network, and with one of discs everywhere."""
    folder = write_run(tmp_path_factory.mktemp('holdout'))
    write_pair(folder / 'train', seed=1)
    write_pair(folder / 'twin', seed=2, bias=1)
    evaluate_holdout(folder, device='cpu')
    take_model(folder, folder / 'train')
    for _ in range(2):  # again gives the same
        show_unlabeled(folder, 'method', device='cpu')
    return folder


def test_counts_are_those_of_mmseg_and_numpy(run) -> None:
    found = json.loads((run / 'holdout.json').read_text())
    images = json.loads((run / 'fit.json').read_text())['images']
    names = (run / 'data/holdout.txt').read_text().split()
    assert len(names) == 5
    model = init_model(
        str(run / 'train/segmentor.py'),
        str(run / 'train/segmentor.pth'),
        'cpu',
    )
    total = np.zeros((3, 3), int)
    for name in names:
        result = inference_model(model, f'{images}/{name}')
        ids = result.pred_sem_seg.data[0].numpy()
        truth = cv2.imread(str(run / f'data/masks/{name}.png'), -1)
        counts = found['method']['per_image'][name]
        for c in range(3):
            known = truth != 255
            assert counts['label'][c] == (truth == c).sum()
            assert counts['prediction'][c] == ((ids == c) & known).sum()
            assert counts['both'][c] == ((ids == c) & (truth == c)).sum()
            for d in range(3):
                total[c, d] += ((truth == c) & (ids == d)).sum()
    assert found['method']['confusion'] == total.tolist()
    confidence = found['method']['confidence']
    assert np.sum(confidence['pixels']) == total.sum()
    assert np.sum(confidence['right']) == np.trace(total)


def test_the_twin_sees_discs_only(run) -> None:
    twin = json.loads((run / 'holdout.json').read_text())['twin']
    confusion = np.array(twin['confusion'])
    assert confusion[:, [0, 2]].sum() == 0 and confusion[:, 1].min() > 0
    pixels = np.array(twin['confidence']['pixels'])
    assert pixels[1, -1] == confusion.sum() == pixels.sum()


def test_pictures_are_of_the_images_they_name(run) -> None:
    items = read_gallery(RunFolder(run))
    names = (run / 'data/holdout.txt').read_text().split()
    held = [item for item in items if item['part'] == 'holdout']
    assert {item['name'] for item in held} == set(names)
    unlabeled = [item for item in items if item['part'] == 'unlabeled']
    assert len(unlabeled) == 4
    assert all((item['method'] < 3).all() for item in unlabeled)
    for item in held:
        truth = cv2.imread(str(run / f'data/masks/{item["name"]}.png'), -1)
        # Small enough to be shown as they are.
        assert (item['truth'] == truth).all()
        assert (item['twin'] == 1).all() and (item['method'] < 3).all()
        assert item['photo'].shape == (*truth.shape, 3)
        assert (item['twin_confidence'] > 250).all()
    scores = [i['iou']['method'] for i in held if i['reason'] == 'worst']
    best = [i['iou']['method'] for i in held if i['reason'] == 'best']
    assert max(scores) <= min(best)


def test_without_a_twin(tmp_path) -> None:
    folder = write_run(tmp_path)
    write_pair(folder / 'elsewhere', seed=1)
    found = evaluate_holdout(folder, method=folder / 'elsewhere/segmentor.pth')
    assert set(found) == {'method', 'recommended'}
    assert found['recommended'] == 'method'


def test_what_is_missing_is_named(tmp_path) -> None:
    with pytest.raises(UsageError, match='holds no fit.json'):
        evaluate_holdout(tmp_path)
    folder = write_run(tmp_path)
    with pytest.raises(UsageError, match='segmentor.pth does not exist'):
        evaluate_holdout(folder)
    write_pair(folder / 'train', seed=1)
    name = (folder / 'data/holdout.txt').read_text().split()[0]
    mask = folder / f'data/masks/{name}.png'
    cv2.imwrite(str(mask), np.zeros((5, 5), np.uint8))
    with pytest.raises(UsageError, match=f'{name} and its mask do not'):
        evaluate_holdout(folder, device='cpu')
    (folder / 'data/holdout.txt').write_text('')
    with pytest.raises(UsageError, match='names no image'):
        evaluate_holdout(folder)
