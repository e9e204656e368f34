"""The labeling pass: views, padding, amp, and several processes."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.runner import Runner

from mmsemi.io import space
from mmsemi.models.pseudo_labelers import ClassBalancedPseudoLabeler
from mmsemi.pseudo_labels.codes import encode_confidence
from mmsemi.pseudo_labels.store import PseudoLabelStore, read_png, write_png
from mmsemi.registry import MODELS
from mmsemi.self_training.batch_predictor import BatchPredictor
from mmsemi.self_training.label_files import LabelFiles
from mmsemi.self_training.labeling import LabelingPass
from mmsemi.utils.errors import UsageError
from tests.processes import in_two
from tests.self_training.label_in_processes import label
from tests.tiny import CLASSES, make_tiny_set, tiny_config


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('set'))


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = MODELS.build(tiny_config(Path('.'), Path('.')).model)
    model.init_weights()
    with torch.no_grad():  # confidences should differ
        model.student.decode_head.conv_seg.weight.mul_(40)
    return model.eval()


def loader_of(root, **changes):
    cfg = tiny_config(root, root, label_dataloader=changes)
    return Runner.build_dataloader(cfg.label_dataloader, seed=0)


def run(root, model, out, portion=0.5, rule='argmax', **kwargs):
    labeler = ClassBalancedPseudoLabeler(len(CLASSES), rule)
    store = PseudoLabelStore(out)
    manifest = LabelingPass(
        BatchPredictor(model), loader_of(root), labeler, store, **kwargs
    ).run(1, portion)
    return manifest, store.folder(1), labeler


@pytest.mark.parametrize('rule', ['argmax', 'scaled'])
def test_labels_on_disk_are_those_of_the_rule(root, model, tmp_path, rule):
    manifest, folder, labeler = run(
        root, model, tmp_path, rule=rule, keep_confidence=True
    )
    loader = loader_of(root)
    seen = 0
    for batch in loader:
        with torch.no_grad():
            result = labeler(BatchPredictor(model)(batch).probabilities)
        for k, sample in enumerate(batch['data_samples']):
            name = Path(sample.img_path).stem + '.png'
            expected = result.labels[k].numpy()
            assert (read_png(folder / 'labels' / name) == expected).all()
            codes = read_png(folder / 'confidence' / name)
            expected = encode_confidence(result.confidence[k].numpy())
            assert (codes == expected).all()
            seen += 1
    assert seen == manifest['images'] == 9
    assert manifest['kept'] >= 0.5 - 1e-9
    assert (
        sum(v['candidates'] for v in manifest['per_class'].values())
        == 9 * 32 * 48
    )


def test_no_mask_is_opened_without_audit(root, model, tmp_path, monkeypatch):
    from mmsemi.datasets import UnlabeledDataset

    def forbidden(self, idx):
        raise AssertionError('a mask of an unlabeled image was opened')

    monkeypatch.setattr(UnlabeledDataset, 'audit_map', forbidden)
    manifest, *_ = run(root, model, tmp_path, audit=False)
    assert manifest['accuracy'] is None


def test_bad_mask_of_an_unlabeled_image_only_costs_the_figure(
    root, model, tmp_path, monkeypatch, caplog
):
    from mmsemi.datasets import UnlabeledDataset

    good, folder, _ = run(root, model, tmp_path / 'good')
    monkeypatch.setattr(
        UnlabeledDataset,
        'audit_map',
        lambda self, idx: np.full((32, 48), 200, np.uint8),
    )
    bad, other, _ = run(root, model, tmp_path / 'bad')
    assert bad['accuracy'] is None and good['accuracy'] is not None
    assert bad['files'] == good['files']


def test_views_are_averaged(root, model):
    batch = next(iter(loader_of(root)))
    with torch.no_grad():
        plain = BatchPredictor(model)
        inputs, boxes = plain.prepare(batch)
        size = inputs.shape[-2:]
        assert boxes == [(0, 32, 0, 48)] * 2
        flipped = plain._view(inputs.flip(3), size).flip(3)
        expected = (plain(batch).probabilities + flipped) / 2
        both = BatchPredictor(model, flip=True)(batch).probabilities
        torch.testing.assert_close(both, expected)
        several = BatchPredictor(model, flip=True, scales=(0.5, 1.0, 1.5))(
            batch
        ).probabilities
        assert several.shape == both.shape
        torch.testing.assert_close(several.sum(1), torch.ones(2, *size))
        # A mirrored batch has mirrored predictions when both are averaged.
        mirrored = dict(batch, inputs=[x.flip(2) for x in batch['inputs']])
        torch.testing.assert_close(
            BatchPredictor(model, flip=True)(mirrored).probabilities.flip(3),
            both,
        )


def test_a_class_of_weight_zero_is_left_as_it_is(root, model):
    """Its logarithm would make every probability NaN."""
    batch = next(iter(loader_of(root)))
    weights = torch.tensor([2.0, 0.0, 0.5])
    with torch.no_grad():
        plain = BatchPredictor(model)(batch).probabilities
        found = BatchPredictor(model, class_weight=weights)(
            batch
        ).probabilities
    expected = plain / torch.tensor([2.0, 1.0, 0.5]).view(-1, 1, 1)
    expected = expected / expected.sum(1, keepdim=True)
    torch.testing.assert_close(found, expected)


def test_predictions_are_those_of_the_network_that_predicts(root, model):
    """The teacher's, where configs and tables use the teacher."""
    import copy

    batch = next(iter(loader_of(root)))
    teacher = copy.deepcopy(model.student)
    with torch.no_grad():
        teacher.decode_head.conv_seg.bias[2] = 50
        model.teacher = teacher
        type(model).predictor, before = (
            property(lambda self: self.teacher),
            type(model).predictor,
        )
        try:
            found = BatchPredictor(model)(batch).probabilities
        finally:
            type(model).predictor = before
        own = BatchPredictor(model)(batch).probabilities
    assert (found.argmax(1) == 2).all() and not (own.argmax(1) == 2).all()


def test_mixed_precision_gives_float32_probabilities(root, model):
    batch = next(iter(loader_of(root)))
    with torch.no_grad():
        exact = BatchPredictor(model)(batch).probabilities
        mixed = BatchPredictor(model, amp='bfloat16')(batch).probabilities
    assert mixed.dtype == torch.float32
    assert 0 < (mixed - exact).abs().max() < 0.2


def test_padding_gets_no_label(root, model, tmp_path):
    """Labels have the size of the image, and padding enters no statistic."""
    cfg = tiny_config(root, tmp_path)
    pipeline = cfg.label_dataloader.dataset.dataset.pipeline
    pipeline.insert(1, dict(type='PadSegFields', size=(40, 64)))
    loader = Runner.build_dataloader(cfg.label_dataloader, seed=0)
    prediction = BatchPredictor(model)(next(iter(loader)))
    assert prediction.probabilities.shape[-2:] == (40, 64)
    assert prediction.valid().sum() == 2 * 32 * 48
    store = PseudoLabelStore(tmp_path)
    manifest = LabelingPass(
        BatchPredictor(model), loader, ClassBalancedPseudoLabeler(3), store
    ).run(1, 1.0)
    label = read_png(next((store.folder(1) / 'labels').glob('*.png')))
    assert label.shape == (32, 48)
    assert (
        sum(v['sampled'] for v in manifest['per_class'].values())
        == 9 * 32 * 48
    )


def test_compact_logits_need_a_single_view(root, model, tmp_path):
    with pytest.raises(ValueError, match='one view'):
        LabelingPass(
            BatchPredictor(model, flip=True),
            loader_of(root),
            ClassBalancedPseudoLabeler(3, 'scaled'),
            PseudoLabelStore(tmp_path),
            compact_logits=True,
        )


# Room for the labels of nine images of 32 x 48, and what logits of 3 classes
# at a stride of 2 take in half precision.
LITTLE, LOGITS = 2000, 9 * 3 * 16 * 24 * 2


def disk_of(monkeypatch, free):
    usage = shutil.disk_usage('/')._replace(free=free)
    monkeypatch.setattr(space.shutil, 'disk_usage', lambda _: usage)


def test_space_for_compact_logits_is_asked_for(
    root, model, tmp_path, monkeypatch
):
    disk_of(monkeypatch, LITTLE)
    with pytest.raises(UsageError, match='9 images .* compact logits'):
        run(root, model, tmp_path, rule='scaled', compact_logits=True)
    assert not (tmp_path / 'round_1.partial').exists()
    run(root, model, tmp_path, rule='scaled')
    disk_of(monkeypatch, LITTLE + LOGITS)
    run(root, model, tmp_path, rule='scaled', compact_logits=True)


def test_what_a_labeling_left_is_space_for_the_next(
    root, model, tmp_path, monkeypatch
):
    partial = tmp_path / 'round_1.partial'
    partial.mkdir()
    (partial / 'logits_0_0.npz').write_bytes(bytes(LOGITS))
    disk_of(monkeypatch, LITTLE)
    _, folder, _ = run(
        root, model, tmp_path, rule='scaled', compact_logits=True
    )
    assert len(list(folder.rglob('*.png'))) == 9


def test_logits_that_another_process_still_needs_are_left(
    root, model, tmp_path, monkeypatch
):
    begin = PseudoLabelStore.begin

    def begun(store, number):
        folder = begin(store, number)
        (folder / 'logits_1_0.npz').write_bytes(b'of rank 1')
        return folder

    monkeypatch.setattr(PseudoLabelStore, 'begin', begun)
    _, folder, _ = run(
        root, model, tmp_path, rule='scaled', compact_logits=True
    )
    left = [path.name for path in folder.glob('logits_*')]
    assert left == ['logits_1_0.npz']


def test_class_without_predictions(root, model, tmp_path):
    with torch.no_grad():
        model.student.decode_head.conv_seg.bias[1] = -1e4
    manifest, folder, _ = run(root, model, tmp_path, rule='scaled')
    assert manifest['per_class']['disc']['candidates'] == 0
    assert manifest['per_class']['disc']['threshold'] is None
    labels = np.stack([read_png(p) for p in (folder / 'labels').glob('*.png')])
    assert set(np.unique(labels)) <= {0, 2, 255}


def test_predictions_are_those_the_prior_leaves(root, model, tmp_path):
    """Rare classes are counted after the spatial prior, as in CBST."""
    from mmsemi.models.pseudo_labelers import CBSTPseudoLabeler

    prior = np.ones((len(CLASSES), 8, 12), np.float32)
    prior[1] = 0
    np.savez(tmp_path / 'prior.npz', prior=prior)
    with torch.no_grad():
        model.student.decode_head.conv_seg.bias[1] = 1e2  # argmax everywhere
    manifest = LabelingPass(
        BatchPredictor(model),
        loader_of(root),
        CBSTPseudoLabeler(len(CLASSES), prior=str(tmp_path / 'prior.npz')),
        PseudoLabelStore(tmp_path),
    ).run(1, 0.5)
    candidates = [c['candidates'] for c in manifest['per_class'].values()]
    assert candidates[1] == 0 and sum(candidates) == 9 * 32 * 48


@pytest.mark.parametrize('rule', ['argmax', 'scaled', 'soft'])
def test_one_and_two_processes_agree(root, model, tmp_path, rule):
    """Equal counts, thresholds and label files, gloo."""
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'model.pth')
    words = (str(root), str(tmp_path / 'model.pth'), rule)
    label(0, str(tmp_path / 'one'), *words)
    (tmp_path / 'two').mkdir()
    in_two(label, tmp_path / 'two', *words)
    manifests = []
    for out in ('one', 'two'):
        path = tmp_path / out / 'round_1/manifest.json'
        manifest = json.loads(path.read_text())
        manifest.pop('seconds'), manifest.pop('sha256')
        manifests.append(manifest)
    # The files' checksums are part of the manifest.
    kinds = 3 if rule == 'soft' else 2  # labels, confidence, soft labels
    assert manifests[0]['files']['count'] == 9 * kinds
    assert manifests[0] == manifests[1]
    if rule == 'argmax':
        stages = [PseudoLabelStore(tmp_path / out) for out in ('one', 'two')]
        one, two = (store.manifest(2) for store in stages)
        one.pop('seconds'), two.pop('seconds')
        assert one == two and len(set(one['stability'])) > 3
        stems = (root / 'unlabeled.txt').read_text().split()
        kept = [
            (stages[0].folder(1) / f'labels/{stem}.png').read_bytes()
            == (stages[1].folder(2) / f'labels/{stem}.png').read_bytes()
            for stem in (stems[k] for k in one['order'])
        ]
        assert all(kept[:4]) and not any(kept[4:])


def test_soft_labels_are_stored_small_and_read_large(root, model, tmp_path):
    """Averages over squares, close to the soft labels of every pixel."""
    from mmsemi.datasets.transforms import LoadPseudoLabel
    from mmsemi.models.pseudo_labelers import LRENTPseudoLabeler

    labeler = LRENTPseudoLabeler(len(CLASSES), alpha=1.0)
    store = PseudoLabelStore(tmp_path)
    LabelingPass(
        BatchPredictor(model), loader_of(root), labeler, store, soft_stride=2
    ).run(1, 0.5)
    assert store.problem(1) is None
    folder = store.folder(1)
    for batch in loader_of(root):
        with torch.no_grad():
            result = labeler(BatchPredictor(model)(batch).probabilities)
        for k, sample in enumerate(batch['data_samples']):
            name = Path(sample.img_path).stem + '.png'
            small = read_png(folder / 'soft' / name)
            assert small.shape == (16 * len(CLASSES), 24)
            loaded = LoadPseudoLabel(with_confidence=False)(
                dict(
                    img=np.zeros((32, 48, 3), np.uint8),
                    seg_map_path=str(folder / 'labels' / name),
                    confidence_path='',
                    soft_path=str(folder / 'soft' / name),
                    num_classes=len(CLASSES),
                )
            )
            soft = loaded['gt_soft_label'].astype(float) / 255
            assert soft.shape == (32, 48, len(CLASSES))
            expected = result.soft[k].permute(1, 2, 0).numpy()
            assert np.abs(soft - expected).mean() < 0.03
            small = small.reshape(len(CLASSES), 16, 24) / 255
            mean = expected.reshape(16, 2, 24, 2, -1).mean((1, 3))
            assert np.abs(small.transpose(1, 2, 0) - mean).max() <= 1 / 255


def test_a_diverged_model_does_not_label(root, model, tmp_path):
    with torch.no_grad():
        model.student.decode_head.conv_seg.bias.fill_(float('nan'))
    with pytest.raises(ValueError, match='diverged'):
        run(root, model, tmp_path)
    assert not (tmp_path / 'round_1').exists()


def test_an_image_that_is_not_finite_is_named(root, model, tmp_path) -> None:
    """The model is not to blame, and what it has learned is not lost."""
    prepare = BatchPredictor.prepare

    def spoiled(self, batch):
        for place, sample in enumerate(batch['data_samples']):
            if Path(sample.img_path).stem == '08':
                image = batch['inputs'][place].float()
                image[0, 3, 4] = float('inf')
                batch['inputs'][place] = image
        return prepare(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchPredictor, 'prepare', spoiled)
        with pytest.raises(
            UsageError, match=r'08\.png: the image holds NaN or infinite'
        ):
            run(root, model, tmp_path)
    next(model.student.parameters()).data.fill_(float('nan'))
    with pytest.raises(ValueError, match='training has diverged'):
        run(root, model, tmp_path / 'other')


def test_all_maps_of_an_earlier_round_are_taken_over(tmp_path):
    """Of rules with soft labels these, too."""
    maps = dict(
        labels=np.eye(4, 6, dtype=np.uint8),
        confidence=np.full((4, 6), 700, np.uint16),
        soft=np.arange(18, dtype=np.uint8).reshape(6, 3),
    )
    former, now = tmp_path / 'round_1', tmp_path / 'round_2.partial'
    for kind, array in maps.items():
        write_png(former, f'{kind}/a.png', array)
    images = SimpleNamespace(get_stem=lambda index: 'a')
    with LabelFiles(now, images, np.array([0]), 3, audit=False) as files:
        files.take_over(0, former)
        files.drain()
    for kind, array in maps.items():
        assert np.array_equal(read_png(now / f'{kind}/a.png'), array)
        assert files.table.columns[kind][0].all()
