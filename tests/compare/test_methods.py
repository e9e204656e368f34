"""Lengths of methods, and the baselines derived from them."""

import pytest

from mmsemi.apis.compare_baselines import baselines, shared_base
from mmsemi.apis.compare_lengths import lengths, round_lengths, teacher_hook
from mmsemi.apis.compare_methods import read_methods, resolved, short_names
from mmsemi.apis.config import read_config
from mmsemi.io.package_configs import find_config
from mmsemi.report.comparison import (
    ALL_LABELS,
    AVERAGED,
    LABELED_ONLY,
    SAME_IMAGES,
    SAME_LABELS,
)
from mmsemi.report.comparison_answer import unequal
from mmsemi.report.comparison_configs import changes, shared_names
from mmsemi.report.recipe import method_facts
from mmsemi.utils.errors import UsageError
from tests.compare.tiny_facts import write_configs


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_configs(tmp_path_factory.mktemp('methods'))


def configs(folder, *names):
    return [str(folder / name / 'tiny.py') for name in names]


def test_names_are_those_of_folders_where_these_differ() -> None:
    assert short_names(['cps/camvid.py', 'mmsemi::u2pl/camvid']) == [
        'cps',
        'u2pl',
    ]
    assert short_names(['a/x.py', 'a/y.py', 'own.py']) == ['a-x', 'a-y', 'own']
    # None is a folder above that of all cells.
    assert short_names(['./x.py', '../y.py']) == ['x', 'y']
    with pytest.raises(UsageError, match='a-x is named twice'):
        short_names(['a/x.py', 'a/x'])


def test_a_budget_keeps_the_course_of_each_method(folder) -> None:
    online, rounds = read_methods(
        configs(folder, 'mean_teacher', 'rounds'), iterations=40
    )
    cfg = resolved(online.cfg, None)
    assert lengths(cfg) == (40, 0) and online.iterations == 40
    # A quarter of the run, as before; validated in the middle, as before.
    assert cfg.model.semi_train_cfg.warmup_iters == 10
    assert cfg.train_cfg.val_interval == 20
    assert cfg.param_scheduler[0].end == 41
    cfg = resolved(rounds.cfg, None)
    assert lengths(cfg) == (20, 20) and round_lengths(cfg) == [10, 10]
    assert rounds.iterations == 40
    # 6 images a step, and 4 in either part of the rounds.
    assert online.images == 240
    assert (
        rounds.images
        == 20 * 4 + 20 * resolved(rounds.cfg, None).semi_dataloader.batch_size
    )


def test_a_shorter_run_has_all_that_a_method_does() -> None:
    """U2PL's teacher is a copy for two epochs, which may be the whole run."""
    options = {'model.semi_train_cfg.contrast_start': 4560}
    (method,) = read_methods(['u2pl/voc_1464'], options, iterations=456)
    cfg = resolved(method.cfg, None)
    settings = cfg.model.semi_train_cfg
    assert settings.warmup_iters == settings.iters_per_epoch == 6
    assert settings.contrast_start == 46
    hook = teacher_hook(cfg)
    assert (hook['start_iter'], hook['copy_until']) == (6, 11)


def test_a_budget_that_leaves_a_round_empty_is_refused(folder) -> None:
    with pytest.raises(UsageError, match='--iterations 1 are too few'):
        read_methods(configs(folder, 'rounds'), iterations=1)


def test_stages_of_a_short_run_have_what_they_need() -> None:
    """ST++ keeps its weights at three times before the first stage."""
    for number, parts in ((220, [60, 60, 100]), (10, [3, 3, 4])):
        (stages,) = read_methods(['st_plus_plus/camvid_1-16'], None, number)
        cfg = resolved(stages.cfg, None)
        assert [lengths(cfg)[0], *round_lengths(cfg)] == parts
    with pytest.raises(UsageError, match='--iterations 4 are too few'):
        read_methods(['st_plus_plus/camvid_1-16'], iterations=4)


def test_labeled_only_is_the_method_without_its_unlabeled_images(
    folder,
) -> None:
    """Of a method the same as the config that somebody wrote by hand."""
    methods = read_methods(configs(folder, 'mean_teacher', 'rounds'))
    written = read_methods(configs(folder, 'plain'))[0]
    found = {m.name: m for m in baselines(methods, None)}
    assert list(found) == [
        LABELED_ONLY,
        SAME_IMAGES,
        SAME_LABELS,
        AVERAGED,
        ALL_LABELS,
    ]
    plain = resolved(found[LABELED_ONLY].cfg, None)
    assert not changes(
        shared_names(resolved(written.cfg, None)), shared_names(plain)
    )
    # Of rounds alone, the criterion of the objective becomes the network's.
    alone = {m.name: m for m in baselines(methods[1:], None)}
    assert not changes(
        shared_names(plain),
        shared_names(resolved(alone[LABELED_ONLY].cfg, None)),
    )


def test_labeled_only_of_camvid_is_the_supervised_config() -> None:
    methods = read_methods(['cps/camvid_1-16', 'unimatch/camvid_1-16'])
    (plain,) = read_methods(['supervised/camvid_1-16'])
    derived = baselines(methods, None)[0]
    assert not changes(
        shared_names(resolved(plain.cfg, None)),
        shared_names(resolved(derived.cfg, None)),
    )


def test_baselines_have_equal_budgets(folder) -> None:
    methods = read_methods(
        configs(folder, 'mean_teacher', 'rounds'), iterations=20
    )
    found = {m.name: m for m in baselines(methods, None)}
    assert {m.iterations for m in found.values() if m.name != SAME_IMAGES} == {
        20
    }
    # Mean Teacher draws 6 images a step, labeled-only 4.
    assert found[SAME_IMAGES].images == methods[0].images == 120
    assert found[SAME_IMAGES].iterations == 30
    # Two of these 6 are labeled ones, as is every image of labeled-only.
    assert methods[0].labeled == 40
    assert found[LABELED_ONLY].labeled == 80
    small = found[SAME_LABELS]
    assert small.iterations == 20 and small.labeled == small.images == 40
    assert changes(
        shared_names(resolved(found[LABELED_ONLY].cfg, None)),
        shared_names(resolved(small.cfg, None)),
    ) == ['train.loader.batch_size: 4 -> 2']
    averaged = resolved(found[AVERAGED].cfg, None)
    assert method_facts(averaged)['labeled_only']
    assert averaged.model.type == 'MeanTeacher'
    (hook,) = [
        h for h in averaged.custom_hooks if h['type'] == 'MeanTeacherHook'
    ]
    assert hook['momentum'] == 0.1  # that of the method


def test_the_base_is_the_network_that_most_methods_have(folder) -> None:
    methods = read_methods(configs(folder, 'mean_teacher', 'plain', 'rounds'))
    methods[0].cfg.model.student.decode_head.channels = 4
    assert shared_base(methods).name == 'plain'


def test_settings_for_all_reach_the_baselines(folder) -> None:
    methods = read_methods(
        configs(folder, 'mean_teacher'), {'optim_wrapper.optimizer.lr': 0.5}
    )
    for method in [*methods, *baselines(methods, None)]:
        assert method.cfg.optim_wrapper.optimizer.lr == 0.5


def test_no_method_is_called_as_a_baseline(folder, tmp_path) -> None:
    place = tmp_path / 'labeled-only/tiny.py'
    place.parent.mkdir()
    place.write_text((folder / 'plain/tiny.py').read_text())
    with pytest.raises(UsageError, match='would be called labeled-only, as'):
        read_methods([str(place)])


def test_mutual_training_is_no_cell() -> None:
    with pytest.raises(UsageError, match='`mmsemi mutual`'):
        read_methods(['dmt/camvid_1-16_a'])


def test_another_data_set_for_all_methods(folder) -> None:
    names = 'ael/camvid_1-16', 'unimatch/camvid_1-16', 'st/camvid_1-16'
    data = 'configs/_base_/datasets/nuclei.py'
    plain = [resolved(m.cfg, None) for m in read_methods(names)]
    methods = read_methods(
        names, {'data.crop_size': (96, 96)}, iterations=100, data=data
    )
    for method, before in zip(methods, plain):
        cfg = resolved(method.cfg, None)
        assert cfg.model.student.decode_head.num_classes == 2
        assert cfg.model.student.data_preprocessor['size'] == (96, 96)
        assert cfg.val_dataloader.batch_size == 1  # sizes differ
        loader = cfg.train_dataloader
        assert loader.batch_size == before.train_dataloader.batch_size
        assert 'nuclei/splits/1_32' in str(loader)
        assert 'camvid' not in str({**cfg, 'filename': ''}).replace(
            'camvid_1-16', ''
        )
    ael, unimatch, st = (m.cfg for m in methods)
    assert ael.data.partners and ael.model.copy_paste.excluded == ()
    assert resolved(ael, None).model.unsup_loss.num_classes == 2
    assert unimatch.data.views == 2 and len(unimatch.data.strong) == 3
    assert 'NoiseCutOut' in str(st.data.round_augment)
    for baseline in baselines(methods, None):
        assert 'nuclei' in str(resolved(baseline.cfg, None).val_dataloader)


def test_a_config_of_rounds_gives_its_images_alone(folder) -> None:
    """Not the ways in which it changes those with pseudo-labels."""
    data = 'dst_cbc/nuclei_1-32'
    assert 'PhotoMetricDistortion' in str(read_config(find_config(data)).data)
    names = 'st/camvid_1-16', 'unimatch/camvid_1-16'
    st, unimatch = (m.cfg.data for m in read_methods(names, data=data))
    assert 'NoiseCutOut' in str(st.round_augment)
    assert 'round_augment' not in unimatch
    plain = read_methods(names, data='configs/_base_/datasets/nuclei.py')
    assert st.round_augment == plain[0].cfg.data.round_augment


def test_labeled_images_of_a_run_are_counted() -> None:
    names = 'ael/camvid_1-16', 'st_plus_plus/camvid_1-16'
    ael, stages = read_methods(names, iterations=260)
    # Four labeled, four to paste, four unlabeled and their partners.
    assert (ael.labeled, ael.images) == (260 * 4, 260 * 16)
    first = lengths(resolved(stages.cfg, None))[0]
    assert 0 < first < 260
    assert stages.labeled == first * 8 + (260 - first) * 4
    assert ael.labeled_batch == stages.labeled_batch == 4


def test_batches_are_those_of_the_data_for_all_methods() -> None:
    names = 'ael/camvid_1-16', 'mean_teacher/shapes', 'unimatch/voc_1464'
    methods = read_methods(
        names, iterations=10, data='configs/_base_/datasets/shapes.py'
    )
    for method in methods:
        assert method.labeled_batch == 8
    samples = [
        resolved(m.cfg, None).train_dataloader.sampler.samples_per_source
        for m in methods
    ]
    assert samples == [(8, 8, 8), (8, 8), (8, 8)]


def test_images_smaller_than_a_crop_are_padded_where_the_data_has_some() -> (
    None
):
    nuclei, camvid = (
        read_methods(
            ['st/camvid_1-16'], data=f'configs/_base_/datasets/{name}.py'
        )[0].cfg.data.round_augment
        for name in ('nuclei', 'camvid')
    )
    kinds = [step['type'] for step in nuclei]
    assert kinds[:3] == ['PadSegFields', 'RandomCrop', 'RandomFlip']
    assert [step['type'] for step in camvid] == kinds[1:]


@pytest.mark.parametrize(
    'data, classes', [('nuclei', 2), ('ccp', 19), ('shapes', 8)]
)
def test_all_peers_go_with_each_data_set(data, classes) -> None:
    """In a few iterations, from equal batches, as one fair comparison."""
    names = (
        'mean_teacher fixmatch u2pl ael unimatch unimatch_v2 cps '
        'st_plus_plus augseg corrmatch dst_cbc'
    ).split()
    methods = read_methods(
        [f'{name}/camvid_1-16' for name in names],
        iterations=10,
        data=f'configs/_base_/datasets/{data}.py',
    )
    assert len({method.labeled_batch for method in methods}) == 1
    base = shared_names(resolved(baselines(methods, None)[0].cfg, None))
    found = {}
    for method in methods:
        cfg = resolved(method.cfg, None)
        assert cfg.model.student.decode_head.num_classes == classes
        found[method.name] = changes(base, shared_names(cfg))
    (line,) = unequal(found, LABELED_ONLY)
    # It needs a head more.
    assert 'more than the method: u2pl (network). See' in line


def test_a_config_without_a_data_set_gives_none(folder) -> None:
    schedule = 'configs/_base_/schedules/camvid_adamw.py'
    with pytest.raises(UsageError, match='--data .* states no data set'):
        read_methods(['ael/camvid_1-16'], data=schedule)
