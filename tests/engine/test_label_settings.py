"""Labels serve a run that was moved, and no run with other images."""

import numpy as np

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
