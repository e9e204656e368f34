"""Labels serve a run that was moved, and no run with other images."""

import numpy as np

from mmsemi.engine.hooks import PseudoLabelHook
from mmsemi.engine.label_settings import checksum


def of(folder, images='photos', scale=9) -> str:
    inner = dict(
        type='BaseSegDataset',
        data_prefix=dict(
            img_path=images, seg_map_path=str(folder / 'data/masks')
        ),
        ann_file=str(folder / 'data/unlabeled.txt'),
        pipeline=[dict(type='Resize', scale=(scale, scale))],
    )
    labeler = dict(type='Labeler', prior=str(folder / 'prior.npy'))
    return checksum(labeler, dict(type='UnlabeledDataset', dataset=inner))


def test_where_the_data_lie_changes_no_label(tmp_path) -> None:
    def found(folder, rooted=False, prefix='photos') -> str:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / 'unlabeled.txt').write_text('a.png\n')
        data = dict(
            data_root=str(tmp_path / folder),
            ann_file='unlabeled.txt',
            data_prefix=dict(img_path=prefix),
        )
        return checksum(data, rooted=rooted)

    assert found('here') == found('there') != found('there', prefix='others')
    assert found('here', True) != found('there', True)

    class Hook(PseudoLabelHook):
        def _settings(self, runner, round_index, rooted=False):
            return found('here', rooted)

    hook = Hook(labeler={})
    for begun in (found('here'), found('here', True)):
        assert hook._has_settings(dict(settings=begun), None, 1)
    assert not hook._has_settings(dict(settings=found('no', True)), None, 1)
    assert not hook._has_settings({}, None, 1)


def test_where_a_run_lies_changes_no_label(tmp_path) -> None:
    folder = tmp_path / 'run'
    (folder / 'data').mkdir(parents=True)
    names = folder / 'data/unlabeled.txt'
    names.write_text('a.png\nb.png\n')
    np.save(folder / 'prior.npy', np.ones(3))
    found = of(folder)
    assert of(folder, 'others') != found != of(folder, scale=8)
    moved = folder.rename(tmp_path / 'moved')
    assert of(moved) == found
    names = moved / 'data/unlabeled.txt'
    names.write_text('b.png\na.png\n')
    assert of(moved) != found
    names.write_text('a.png\r\nb.png')  # as an editor may save it
    assert of(moved) == found
    np.save(moved / 'prior.npy', np.zeros(3))
    assert of(moved) != found
