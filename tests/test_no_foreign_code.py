"""Every place through which a foreign file comes in, with a poisoned one.

Reading the file with full unpickling (or running it, for a dumped config)
would make a marker file. Each place must refuse it instead, in one sentence.
"""

import copy
import runpy
import shutil
import sys
from pathlib import Path

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader, Runner, load_checkpoint

from mmsemi.apis.config import load_config
from mmsemi.apis.inference import Predictor
from mmsemi.apis.mutual import MutualTraining, labeling_hook
from mmsemi.apis.work_dir import check_work_dir
from mmsemi.engine.hooks.pseudo_label_hook import PseudoLabelHook
from mmsemi.engine.loops.round_start import check_baseline, load_best
from mmsemi.engine.runner import CalmRunner
from mmsemi.models.decode_heads.class_embeddings import read_arrays
from mmsemi.models.export import export_segmentor
from mmsemi.models.pseudo_labelers.spatial_prior import load_prior
from mmsemi.prepare.word_vectors import read_pickled_array
from mmsemi.registry import HOOKS, MODELS
from mmsemi.utils.errors import UsageError

from .io.test_checkpoints import Marker
from .tiny import make_tiny_set, tiny_config, tiny_model

ROOT = Path(__file__).resolve().parents[1]


class Scene:
    """A tiny run, a poisoned checkpoint and where its code would write."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder = folder
        self.marker = folder / 'marker'
        self.poison = str(folder / 'poison.pth')
        state = MODELS.build(tiny_model()).state_dict()
        torch.save(
            dict(state_dict=state, meta=Marker(self.marker)), self.poison
        )
        self.cfg = tiny_config(data, folder / 'work')
        self.cfg.val_dataloader.num_workers = 0
        self.cfg.test_dataloader = self.cfg.val_dataloader
        self.cfg.test_evaluator = self.cfg.val_evaluator
        self.cfg.test_cfg = dict(type='TestLoop')

    @property
    def student(self) -> dict:
        return self.cfg.model.student

    def init_cfg(self, **options) -> dict:
        return dict(type='Pretrained', checkpoint=self.poison, **options)

    def train(self, runner=CalmRunner) -> None:
        self.cfg.work_dir = str(self.folder / 'work')
        runner.from_cfg(self.cfg).train()

    def command(self, tool: str, *arguments) -> None:
        """Run a tool in this process; its ``error:`` is raised."""
        path = self.folder / 'config.py'
        cfg = copy.deepcopy(self.cfg)
        cfg.pop('work_dir')
        cfg.custom_hooks = cfg.custom_hooks[1:]  # RecordHook is of the tests
        cfg.dump(str(path))
        words = [str(a).replace('CONFIG', str(path)) for a in arguments]
        argv, sys.argv = sys.argv, [tool, *words]
        try:
            runpy.run_path(str(ROOT / 'tools' / tool), run_name='__main__')
        except SystemExit as error:
            if isinstance(error.code, str) and error.code.startswith('error:'):
                raise UsageError(error.code) from error
            raise
        finally:
            sys.argv = argv


PLACES = {}


def place(function):
    PLACES[function.__name__] = function
    return function


# What a config names.
@place
def load_from(s):
    s.cfg.load_from = s.poison
    s.train()


@place
def load_from_with_mmengines_runner(s):
    s.cfg.load_from = s.poison
    s.train(Runner)


@place
def load_from_of_a_baseline(s):
    s.cfg.load_from = s.poison
    s.cfg.train_cfg.supervised_iters = 0
    s.train()


@place
def resume_from_a_named_file(s):
    s.cfg.load_from, s.cfg.resume = s.poison, True
    s.train()


@place
def resume_from_last_checkpoint(s):
    work = Path(s.cfg.work_dir)
    work.mkdir()
    shutil.copy(s.poison, work / 'iter_4.pth')
    (work / 'last_checkpoint').write_text(str(work / 'iter_4.pth'))
    s.cfg.resume = True
    s.train()


@place
def resume_with_mmengines_runner(s):
    work = Path(s.cfg.work_dir)
    work.mkdir()
    (work / 'last_checkpoint').write_text(s.poison)
    s.cfg.resume = True
    s.train(Runner)


@place
def init_cfg_of_the_segmentor(s):
    s.cfg.model.init_cfg = s.init_cfg()
    s.train()


@place
def init_cfg_of_the_student(s):
    s.student.init_cfg = s.init_cfg()
    s.train()


@place
def init_cfg_of_the_backbone(s):
    s.student.backbone.init_cfg = s.init_cfg()
    s.train()


@place
def init_cfg_with_a_prefix(s):
    s.student.backbone.init_cfg = s.init_cfg(prefix='student.backbone.')
    s.train()


@place
def init_cfg_of_the_decode_head(s):
    s.student.decode_head.init_cfg = s.init_cfg()
    s.train()


@place
def init_cfg_of_an_auxiliary_head(s):
    head = dict(s.student.decode_head, init_cfg=s.init_cfg(), in_index=0)
    s.student.auxiliary_head = head
    s.train()


@place
def init_cfg_of_a_neck(s):
    s.student.neck = dict(
        type='FPN',
        in_channels=[16],
        out_channels=16,
        num_outs=1,
        init_cfg=s.init_cfg(),
    )
    s.train()


@place
def init_cfg_in_a_list(s):
    s.student.backbone.init_cfg = [
        dict(type='Constant', layer='BatchNorm2d', val=1),
        s.init_cfg(),
    ]
    s.train()


@place
def pretrained_of_the_student(s):
    s.student.pretrained = s.poison
    s.train()


@place
def pretrained_of_the_backbone(s):
    s.student.backbone.pretrained = s.poison
    s.train()


def backbone(**cfg):
    model = MODELS.build(cfg)
    model.init_weights()


@place
def swin_transformer(s):
    backbone(
        type='SwinTransformer',
        embed_dims=8,
        depths=(1, 1),
        num_heads=(1, 1),
        strides=(4, 2),
        out_indices=(1,),
        init_cfg=s.init_cfg(),
    )


@place
def vision_transformer(s):
    backbone(
        type='VisionTransformer',
        embed_dims=8,
        num_layers=1,
        num_heads=1,
        init_cfg=s.init_cfg(),
    )


@place
def beit(s):
    backbone(
        type='BEiT',
        embed_dims=8,
        num_layers=1,
        num_heads=1,
        init_cfg=s.init_cfg(),
    )


@place
def mix_transformer(s):
    backbone(
        type='MixVisionTransformer',
        embed_dims=8,
        num_layers=(1, 1, 1, 1),
        init_cfg=s.init_cfg(),
    )


@place
def pidnet(s):
    backbone(type='PIDNet', channels=8, ppm_channels=8, init_cfg=s.init_cfg())


# Loaded in the middle of a run.
@place
def labeling_model(s):
    path = s.folder / 'labeler.py'
    Config(dict(model=s.cfg.model)).dump(str(path))
    s.cfg.train_cfg.supervised_iters = 1
    s.cfg.custom_hooks[1].labeling_model = dict(
        config=str(path), checkpoint=s.poison
    )
    s.train()


@place
def config_of_the_model_that_labels(s):
    work = Path(s.cfg.work_dir)
    training = MutualTraining([s.cfg, copy.deepcopy(s.cfg)], work)
    training.results = {(0, name): dict(checkpoint='x.pth') for name in 'ab'}
    (work / 'evil.py').write_text(f"open({str(s.marker)!r}, 'w')\n")
    dumped = work / 'b.py'
    dumped.write_text("_base_ = './evil.py'\n" + dumped.read_text())
    MutualTraining(training.configs.values(), work, resume=True)
    training.results[0, 'b'] = dict(checkpoint=s.poison)
    hook = labeling_hook(training.phase_config(1, 'a'))
    HOOKS.build(hook).labeling_network(None)


@place
def best_checkpoint_a_round_starts_from(s):
    runner = Runner.from_cfg(s.cfg)
    runner.message_hub.update_info('best_ckpt', s.poison)
    load_best(runner, 1)


@place
def weights_a_round_was_labeled_with(s):
    runner = Runner.from_cfg(s.cfg)
    hook = next(h for h in runner.hooks if isinstance(h, PseudoLabelHook))
    hook._relabel(runner, runner.model, None, Path(s.poison))


@place
def baseline_of_the_first_round(s):
    check_baseline(MODELS.build(s.cfg.model), s.poison)


@place
def baselines_of_mutual_training(s):
    configs = [copy.deepcopy(s.cfg) for _ in range(2)]
    for cfg in configs:
        cfg.train_cfg.pop('val_interval')
    MutualTraining(
        configs, s.folder / 'both', baselines=(s.poison, s.poison)
    ).run()


# Commands.
@place
def command_train(s):
    s.cfg.load_from = s.poison
    s.command('train.py', 'CONFIG', '--work-dir', s.folder / 'w')


@place
def command_test(s):
    s.command('test.py', 'CONFIG', s.poison, '--work-dir', s.folder / 'w')


@place
def command_test_with_averaged_views(s):
    s.cfg.tta_model = dict(type='SegTTAModel')
    s.cfg.tta_pipeline = s.cfg.val_dataloader.dataset.pipeline
    words = ('CONFIG', s.poison, '--tta', '--work-dir', s.folder / 'w')
    s.command('test.py', *words)


@place
def command_infer(s):
    images = Path(s.cfg.val_dataloader.dataset.data_prefix.img_path)
    files = ['--config', 'CONFIG', '--checkpoint', s.poison]
    s.command('infer.py', images, *files, '--out', s.folder / 'o')


@place
def command_export(s):
    tool = 'model_converters/export_segmentor.py'
    s.command(tool, 'CONFIG', s.poison, '--out', s.folder / 'o.pth')


@place
def command_calibration(s):
    s.student.decode_head.type = 'SemanticEmbeddingHead'
    s.command('analysis_tools/calibration_sweep.py', 'CONFIG', s.poison)


@place
def command_convert(s):
    s.command('convert.py', s.poison, '--out', s.folder / 'o.pth')


# Functions.
@place
def predictor(s):
    Predictor(s.cfg, s.poison)


@place
def export(s):
    export_segmentor(s.cfg, s.poison, '--out', s.folder / 'o.pth')


@place
def mmseg_init_model(s):
    from mmseg.apis import init_model

    s.student.decode_head.pop('loss_decode')
    init_model(Config(dict(model=s.student)), s.poison, 'cpu')


@place
def mmengine_load_checkpoint(s):
    load_checkpoint(MODELS.build(s.cfg.model), s.poison)


@place
def mmengine_checkpoint_loader(s):
    CheckpointLoader.load_checkpoint(s.poison)


@place
def mmengine_checkpoint_with_prefix(s):
    mmengine_checkpoint._load_checkpoint_with_prefix('student', s.poison)


# Schemes other than files. The file is where a download would put it.
def downloaded(s) -> str:
    folder = s.folder / 'hub/checkpoints'
    folder.mkdir(parents=True)
    shutil.copy(s.poison, folder / 'poison.pth')
    s.monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(s.folder / 'hub'))
    return 'https://example.org/poison.pth'


@place
def web_address(s):
    s.student.backbone.init_cfg = s.init_cfg()
    s.student.backbone.init_cfg.checkpoint = downloaded(s)
    s.train()


@place
def torchvision_name(s):
    urls = dict(net=downloaded(s))
    s.monkeypatch.setattr(
        mmengine_checkpoint, 'get_torchvision_models', lambda: urls
    )
    CheckpointLoader.load_checkpoint('torchvision://net')


@place
def openmmlab_name(s):
    urls = dict(net=s.poison)
    s.monkeypatch.setattr(
        mmengine_checkpoint, 'get_external_models', lambda: urls
    )
    CheckpointLoader.load_checkpoint('open-mmlab://net')


@place
def mmcls_name(s):
    urls = dict(net=downloaded(s))
    s.monkeypatch.setattr(
        mmengine_checkpoint, 'get_mmcls_models', lambda: urls
    )
    CheckpointLoader.load_checkpoint('mmcls://net')


# Arrays.
def poisoned_arrays(s) -> Path:
    path = s.folder / 'arrays.npz'
    array = np.array([Marker(s.marker)], dtype=object)
    np.savez(path, prior=array, glove=array, classes=array)
    return path


@place
def word_vectors(s):
    read_arrays(poisoned_arrays(s))


@place
def spatial_prior(s):
    load_prior(str(poisoned_arrays(s)), 3)


@place
def pickled_word_vectors(s):
    import pickle

    path = s.folder / 'vectors.pkl'
    path.write_bytes(pickle.dumps(Marker(s.marker)))
    with open(path, 'rb') as file:
        read_pickled_array(file, 3)


# Configs in work dirs.
def poisoned_config(s, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    s.cfg.dump(str(path))
    with open(path, 'a') as file:
        print(f'open({str(s.marker)!r}, "w")', file=file)


@place
def dumped_config_of_a_run_to_resume(s):
    poisoned_config(s, Path(s.cfg.work_dir) / 'x.py')
    check_work_dir(s.cfg, 'configs/x.py', resume=True)


@place
def dumped_config_of_a_mutual_training_to_resume(s):
    configs = [copy.deepcopy(s.cfg) for _ in range(2)]
    for cfg in configs:
        cfg.train_cfg.pop('val_interval')
    poisoned_config(s, s.folder / 'both/b.py')
    MutualTraining(configs, s.folder / 'both').run(resume=True)


@place
def config_in_yaml(s):
    path = s.folder / 'config.yaml'
    path.write_text(f'a: !!python/object/apply:open [{s.marker}, w]\n')
    load_config(str(path))


@place
def base_in_yaml(s):
    (s.folder / 'base.yml').write_text(
        f'a: !!python/object/apply:open [{s.marker}, w]\n'
    )
    (s.folder / 'config.py').write_text("_base_ = 'base.yml'\n")
    load_config(str(s.folder / 'config.py'))


def test_yaml_that_mmengine_writes_is_read(tmp_path):
    cfg = Config(dict(a=(1, 2), b=[dict(c=None)], d='x'))
    cfg.dump(str(tmp_path / 'x.yaml'))
    assert load_config(str(tmp_path / 'x.yaml')).to_dict() == cfg.to_dict()


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('poisoned') / 'data')


@pytest.fixture
def scene(data, tmp_path, monkeypatch):
    scene = Scene(tmp_path, data)
    scene.monkeypatch = monkeypatch
    return scene


def test_the_poison_works(scene):
    torch.load(scene.poison, weights_only=False)
    assert scene.marker.exists()


def test_mmengine_alone_would_run_it(scene):
    mmengine_checkpoint.load_from_local(scene.poison, 'cpu')
    assert scene.marker.exists()


@pytest.mark.parametrize('name', PLACES)
def test_no_code_of_a_foreign_file_runs(scene, name):
    with pytest.raises(UsageError) as info:
        PLACES[name](scene)
    assert not scene.marker.exists()
    message = str(info.value)
    assert '\n' not in message
    assert any(n in message for n in (str(scene.folder), 'poison', '//net'))


@pytest.mark.parametrize(
    'tool, arguments',
    [
        (
            'model_converters/export_segmentor.py',
            ('CONFIG', 'FILE', '--out', 'OUT'),
        ),
        ('infer.py', '--config CONFIG --checkpoint FILE --out OUT'.split()),
    ],
)
def test_a_person_may_trust_a_checkpoint(scene, tool, arguments):
    torch.save(
        dict(torch.load(scene.poison, weights_only=False), meta={}, x=Path()),
        scene.poison,
    )
    scene.marker.unlink()
    words = [
        dict(FILE=scene.poison, OUT=scene.folder / 'o.pth').get(word, word)
        for word in arguments
    ]
    if tool == 'infer.py':
        images = Path(scene.cfg.val_dataloader.dataset.data_prefix.img_path)
        words.insert(0, images)
    with pytest.raises(UsageError, match=r'holds code \(pathlib.*--trust'):
        scene.command(tool, *words)
    scene.command(tool, *words, '--trust-checkpoint')
    assert (scene.folder / 'o.pth').exists()
