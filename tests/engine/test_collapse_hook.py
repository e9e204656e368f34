"""A network that loses what it had learned is noticed, and helped once."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope

from mmsemi.engine.class_watch import ClassWatch, Collapse
from mmsemi.engine.hooks import CollapseHook, DivergenceHook
from mmsemi.engine.hooks.collapse_hook import COLLAPSES, WATCHES
from mmsemi.registry import HOOKS
from mmsemi.report.own_data.advice import warnings_of
from mmsemi.report.tables import closing_words
from mmsemi.utils.errors import UsageError
from tests.conftest import ROOT
from tests.models.segmentors.test_mean_teacher import build, data_of
from tests.processes import in_two
from tests.tiny import make_tiny_set, train

NOWHERE = np.zeros(3, np.int64)
GOOD = np.array([[80, 10, 10], [5, 15, 0], [0, 5, 15]])
NO_BAR = np.array([[80, 20, 0], [5, 15, 0], [10, 10, 0]])
ALL_GROUND = np.array([[100, 0, 0], [20, 0, 0], [20, 0, 0]])
ABSENT = np.array([[90, 10, 0], [5, 15, 0], [0, 0, 0]])


def looks(*confusions, patience=2, elsewhere=NOWHERE):
    watch = ClassWatch(patience)
    return [watch.look(c, elsewhere) for c in confusions], watch


def test_a_class_that_dies_is_told_once() -> None:
    found, watch = looks(GOOD, NO_BAR, NO_BAR, NO_BAR, NO_BAR)
    assert found == [None, None, Collapse('classes', [2]), None, None]
    assert watch.well
    # It may be learned again, and die again.
    watch.look(GOOD, NOWHERE)
    watch.look(NO_BAR, NOWHERE)
    assert not watch.well
    assert watch.look(NO_BAR, NOWHERE) == Collapse('classes', [2])


def test_everything_one_class_is_one_thing() -> None:
    found, _ = looks(GOOD, ALL_GROUND, ALL_GROUND, ALL_GROUND)
    assert found == [None, None, Collapse('one class', [0]), None]


def test_a_few_pixels_of_a_class_do_not_keep_it_alive() -> None:
    counts = [[8000, 1000, 1000], [500, 1500, 0], [0, 500, 1500]]
    good = np.array(counts)
    # A pixel is left of a class of 2,000, and predicted wrongly.
    stray = np.array([[8999, 1000, 1], [500, 1500, 0], [1500, 500, 0]])
    found, _ = looks(good, stray, stray)
    assert found == [None, None, Collapse('classes', [2])]
    nearly = np.array([[9999, 1, 0], [2000, 0, 0], [1990, 0, 10]])
    found, _ = looks(good, nearly, nearly)
    assert found == [None, None, Collapse('one class', [0])]
    fewer = np.array([[9000, 1000, 0], [500, 1500, 0], [1900, 0, 100]])
    assert not any(looks(good, *[fewer] * 9)[0])


def test_whether_anything_was_learned_at_all() -> None:
    assert looks(*[ALL_GROUND] * 3)[1].untold
    assert not looks(*[ALL_GROUND] * 2)[1].untold  # too soon to tell
    assert not looks(*[ALL_GROUND] * 9, GOOD)[1].untold
    only = np.diag([100, 0, 0])  # nothing else was shown
    assert not looks(*[only] * 9)[1].untold


def test_what_was_never_learned_is_no_loss() -> None:
    assert not any(looks(*[ALL_GROUND] * 9)[0])
    assert not any(looks(*[NO_BAR] * 9)[0])


def test_batches_without_the_class_say_nothing() -> None:
    assert not any(looks(GOOD, *[ABSENT] * 9)[0])
    assert not any(looks(GOOD, NO_BAR, GOOD, NO_BAR, GOOD, NO_BAR)[0])
    seen = np.array([0, 0, 7])  # in unlabeled images
    assert not any(looks(GOOD, *[NO_BAR] * 9, elsewhere=seen)[0])


def test_a_watch_goes_on_from_its_state() -> None:
    _, watch = looks(GOOD, NO_BAR)
    state = json.loads(json.dumps(watch.state()))
    again = ClassWatch(2, state)
    assert again.look(NO_BAR, NOWHERE) == Collapse('classes', [2])


def test_networks_are_counted_and_nothing_moves() -> None:
    model, data = build(), data_of(padded=0)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    random = torch.get_rng_state()
    counts = CollapseHook().count(model, data)
    assert torch.equal(torch.get_rng_state(), random)
    after = model.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert model.student.training
    images = model.data_preprocessor(data, True)['inputs']
    student = model.student.eval()
    for name in ('student',):
        seen = student(images['sup'], mode='tensor').argmax(1)
        others = student(images['unsup_teacher'], mode='tensor').argmax(1)
        found = counts[name]
        step = 32 // seen.shape[-1]
        truth = torch.stack(
            [s.gt_sem_seg.data[0] for s in data['data_samples']['sup']]
        )[:, ::step, ::step]
        for a in range(4):
            for b in range(4):
                wanted = ((truth == a) & (seen == b)).sum()
                assert found[a, b] == wanted
        assert found[4].tolist() == [(others == k).sum() for k in range(4)]


def without_labeled(data: dict) -> dict:
    """A batch that happens to hold no labeled image."""
    for part in data.values():
        part['sup'] = [None] * len(part['sup'])
    return data


def test_a_batch_without_labeled_images_tells_nothing() -> None:
    data = without_labeled(data_of(padded=0))
    assert CollapseHook().count(build(), data) == {}


def count_part(rank: int, path: str) -> None:
    init_default_scope('mmsemi')
    torch.set_num_threads(1)
    data = data_of(padded=0, seed=rank)
    counts = CollapseHook().count(build(), data)
    np.save(f'{path}/{rank}.npy', counts['student'])
    if rank:
        data = without_labeled(data)
    counts = CollapseHook().count(build(), data)
    np.save(f'{path}/uneven_{rank}.npy', counts['student'])


@pytest.mark.slow
def test_two_processes_see_the_same(tmp_path) -> None:
    in_two(count_part, tmp_path)
    one, two = (np.load(tmp_path / f'{rank}.npy') for rank in (0, 1))
    assert np.array_equal(one, two)
    alone = [
        CollapseHook().count(build(), data_of(padded=0, seed=k))['student']
        for k in (0, 1)
    ]
    assert np.array_equal(one, alone[0] + alone[1])
    # Batches of rounds may lack labeled images in one process.
    one, two = (np.load(tmp_path / f'uneven_{rank}.npy') for rank in (0, 1))
    assert np.array_equal(one, two)
    assert np.array_equal(one[:-1], alone[0][:-1])
    assert one[-1].sum() == 2 * alone[0][-1].sum()


@HOOKS.register_module(force=True)
class PoisonHook(Hook):
    """Make a weight infinite before an iteration, and note the rates."""

    def __init__(self, at: int) -> None:
        self.at, self.rates = at, []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.rates.append(runner.optim_wrapper.get_lr()['lr'][0])
        if batch_idx == self.at:
            weight = next(runner.model.student.decode_head.parameters())
            weight.data.fill_(float('inf'))


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('collapse') / 'set')


def own_config(root, tmp_path, poison=-1, **settings) -> Config:
    cfg = Config.fromfile(ROOT / 'tests/own_images.py')
    text = cfg.pretty_text.replace('data/my_data', str(root))
    (tmp_path / 'mine.py').write_text(text)
    cfg = Config.fromfile(tmp_path / 'mine.py')
    cfg.work_dir = str(tmp_path / 'work')
    cfg.merge_from_dict(
        {
            'data.labeled.img_suffix': '.png',
            'data.crop_size': (40, 32),
            'data.num_workers': 0,
            'data.batch': dict(labeled=2, unlabeled=2),
            'train_cfg.max_iters': 8,
            'train_cfg.val_interval': 8,
            'hooks.pictures': None,
            'hooks.collapse': dict(
                type='CollapseHook', interval=1, patience=2, **settings
            ),
            'hooks.poison': dict(type='PoisonHook', at=poison),
        }
    )
    return cfg


def scripted(monkeypatch, *confusions):
    """Let the student be seen so, look after look."""
    script = list(confusions)

    def count(self, model, data_batch):
        confusion = script.pop(0) if script else GOOD
        return dict(student=np.vstack([confusion, NOWHERE]))

    monkeypatch.setattr(CollapseHook, 'count', count)


def test_it_goes_back_once_with_a_safer_setting(
    root, tmp_path, monkeypatch
) -> None:
    scripted(monkeypatch, GOOD, GOOD, NO_BAR, NO_BAR)
    runner = train(own_config(root, tmp_path, on_collapse='restore'))
    assert runner.iter == 8
    summary = json.loads((tmp_path / 'work/summary.json').read_text())
    (event,) = summary['collapses']
    assert event['iteration'] == 4 and event['restored_to'] == 2
    assert event['kind'] == 'classes' and event['classes'] == ['dent']
    assert event['text'] == (
        'in iteration 4 the student no longer predicts dent, which it had '
        'learned'
    )
    told = event['text'][1:] + ' (restored).'
    assert 'I' + told in closing_words(summary, tmp_path)
    (warning,) = warnings_of([], 20, [], [], dict(method=summary, twin=None))
    assert warning.startswith('The training with unlabeled images: i')
    assert warning.endswith(told)
    assert runner.model.semi_train_cfg['unsup_weight'] == 0.5
    rates = next(h for h in runner.hooks if type(h) is PoisonHook).rates
    assert rates[3] > rates[4] and rates[4] / rates[3] < 0.31
    assert rates[4] > rates[7] > 0


def test_weights_are_those_of_the_good_state(
    root, tmp_path, monkeypatch
) -> None:
    scripted(monkeypatch, GOOD, NO_BAR, NO_BAR)
    states = {}

    @HOOKS.register_module(name='KeepHook', force=True)
    class KeepHook(Hook):
        priority = 'HIGH'  # before the other

        def after_train_iter(self, runner, *args, **kwargs) -> None:
            states[runner.iter + 1] = {
                k: v.clone() for k, v in runner.model.state_dict().items()
            }

    cfg = own_config(root, tmp_path, on_collapse='restore')
    cfg.train_cfg.max_iters = cfg.train_cfg.val_interval = 3
    cfg.hooks.keep = dict(type='KeepHook')
    cfg.hooks.teacher.momentum = 0.0
    cfg.hooks.teacher.schedule = 'constant'
    runner = train(cfg)
    found = runner.model.state_dict()
    student = [key for key in found if key.startswith('student.')]
    assert all(torch.equal(found[key], states[1][key]) for key in student)
    assert any(not torch.equal(states[3][k], states[1][k]) for k in student)


def test_a_second_collapse_stops(root, tmp_path, monkeypatch) -> None:
    scripted(monkeypatch, GOOD, NO_BAR, NO_BAR, GOOD, ALL_GROUND, ALL_GROUND)
    message = (
        'training has collapsed: in iteration 6 the student predicts '
        'nothing but background'
    )
    with pytest.raises(UsageError, match=message):
        train(own_config(root, tmp_path, on_collapse='restore'))


def test_a_class_that_dies_again_at_once_is_noticed(
    root, tmp_path, monkeypatch
) -> None:
    """It need not be learned again first."""
    scripted(monkeypatch, GOOD, *[NO_BAR] * 7)
    message = 'collapsed: in iteration 5 the student no longer predicts dent'
    with pytest.raises(UsageError, match=message):
        train(own_config(root, tmp_path, on_collapse='restore'))


def test_a_training_that_learns_nothing_says_so(
    root, tmp_path, monkeypatch
) -> None:
    scripted(monkeypatch, *[ALL_GROUND] * 8)
    runner = train(own_config(root, tmp_path, on_collapse='restore'))
    assert runner.iter == 8
    summary = json.loads((tmp_path / 'work/summary.json').read_text())
    (event,) = summary['collapses']
    assert event['kind'] == 'nothing learned' and event['action'] == 'warned'
    assert event['text'] == (
        'until iteration 4 the student has not learned to tell one class '
        'from another'
    )


def test_weights_spoiled_by_the_step_before_a_checkpoint(
    root, tmp_path
) -> None:
    """Their loss was finite; the next one would not be."""

    @HOOKS.register_module(name='SpoilHook', force=True)
    class SpoilHook(Hook):
        def after_train_iter(self, runner, *args, **kwargs) -> None:
            if runner.iter == 3:
                head = runner.model.student.decode_head
                next(head.parameters()).data.fill_(float('nan'))

    cfg = own_config(root, tmp_path, on_collapse='restore')
    cfg.hooks.spoil = dict(type='SpoilHook', priority='HIGH')
    cfg.default_hooks.checkpoint.interval = 4
    runner = train(cfg)
    assert runner.iter == 8
    # In eight iterations it learns nothing, which is said, too.
    events = {e['kind']: e for e in runner.message_hub.get_info(COLLAPSES)}
    event = events['not finite']
    assert event['action'] == 'restored'
    assert event['text'].endswith('is not finite in iteration 4')


def test_losses_of_before_it_went_back_are_forgotten() -> None:
    """Where they are looked at now and then, as on a GPU."""
    hook = DivergenceHook()
    hook.kept.append((3, 'loss', torch.tensor(float('nan'))))
    hook.after_restore(None)
    hook.look()
    hook.kept.append((4, 'loss', torch.tensor(float('nan'))))
    with pytest.raises(UsageError, match='not finite in iteration 4'):
        hook.look()


def test_a_loss_that_is_not_finite_goes_back_too(root, tmp_path) -> None:
    cfg = own_config(root, tmp_path, poison=2, on_collapse='restore')
    runner = train(cfg)
    assert runner.iter == 8
    summary = json.loads((tmp_path / 'work/summary.json').read_text())
    kinds = [(e['kind'], e['action']) for e in summary['collapses']]
    assert ('not finite', 'restored') in kinds
    finite = [
        value.isfinite().all()
        for value in runner.model.state_dict().values()
        if value.is_floating_point()
    ]
    assert all(finite)


def test_without_going_back_it_stops_or_warns(root, tmp_path) -> None:
    with pytest.raises(UsageError, match='training has diverged'):
        train(own_config(root, tmp_path, poison=1))


def test_a_resumed_run_remembers() -> None:
    """The weight is halved again, what was learned is known, once is once."""
    hub = MessageHub.get_instance(f'collapse_{id(object())}')
    event = dict(action='restored', text='x', iteration=4)
    hub.update_info(COLLAPSES, [event])
    state = dict(learned=[0, 2], missed=[(2, 1)], alike=0)
    hub.update_info(WATCHES, dict(student=state))
    model = build()
    loop = SimpleNamespace(
        dataloader=SimpleNamespace(
            dataset=SimpleNamespace(metainfo=dict(classes='abcd'))
        )
    )
    runner = SimpleNamespace(
        model=model, message_hub=hub, iter=9, train_loop=loop
    )
    hook = CollapseHook(interval=1, patience=2, on_collapse='restore')
    hook.before_train(runner)
    assert model.semi_train_cfg['unsup_weight'] == 0.5
    assert hook.watches['student'].learned == {0, 2}
    loop.iter, loop.round_begin = 10, 8
    hook.before_round(runner)  # which goes on
    assert hook.watches['student'].learned == {0, 2}
    loop.round_begin = 10
    hook.before_round(runner)
    assert hook.watches['student'].learned == set()
    with pytest.raises(UsageError, match='the loss is not finite, after it'):
        hook.after_divergence(runner, 'the loss is not finite')
    with pytest.raises(UsageError, match='collapsed: x, after it had gone'):
        hook.act(runner, 'x', 'classes', 'student', [2])
    assert hub.get_info(COLLAPSES)[1]['action'] == 'stopped'


def test_settings_are_checked() -> None:
    for settings, message in (
        (dict(patience=0), 'at least 1'),
        (dict(on_collapse='panic'), 'warn, restore, stop'),
        (dict(lr_factor=0), 'lr_factor must lie in'),
    ):
        with pytest.raises(ValueError, match=message):
            CollapseHook(**settings)


def test_a_plain_network_is_watched() -> None:
    from mmsemi.engine.hooks.collapse_hook import networks

    plain = SimpleNamespace()
    assert networks(plain) == dict(network=plain)
    model = build(semi_test_cfg=dict(predict_on='teacher'))
    assert list(networks(model)) == ['student', 'teacher']
