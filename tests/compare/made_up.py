"""Made-up folders of a comparison, as runs would leave them."""

from mmsemi.datasets.splits import list_hash
from mmsemi.io.files import write_json, write_text


def make_cell(
    out, method, split, seed, miou, labeled=('a', 'b'), best=None, **changes
):
    """A finished cell; with ``miou`` None, one that failed."""
    folder = out / 'cells' / split / f'seed{seed}' / method
    setting = changes.pop('setting', None)
    if setting is not None:
        folder = folder.parent / f'setting{setting}' / method
    opened = changes.pop('opened', [])
    learning = changes.pop('learning', 80)
    unlabeled = ('c', 'd', 'e')
    lists = dict(labeled=labeled, unlabeled=unlabeled)
    write_json(
        folder,
        'cell.json',
        dict(
            dict(
                method=method,
                role='method',
                origin=f'{method}/camvid',
                config='camvid.py',
                split=split,
                seed=seed,
                setting=setting,
                options={},
                iterations=10,
                images_drawn=80,
                lists={
                    role: dict(
                        sources=[f'{role}.txt'],
                        images=len(names),
                        sha256=list_hash(names),
                    )
                    for role, names in lists.items()
                },
                evaluation=dict(
                    mode='whole', network='student', resolution='4x4'
                ),
            ),
            **changes,
        ),
    )
    for role, names in lists.items():
        text = ''.join(f'{name}\n' for name in names)
        write_text(out, f'lists/{split}/seed{seed}/{role}.txt', text)
    model = f"dict(type='Net', name='{method}')"
    write_text(folder, 'camvid.py', f'model = {model}\n')
    if miou is None:
        write_json(folder, 'failed.json', dict(problem='the disk is full'))
        return folder
    write_json(
        folder / 'run',
        'summary.json',
        dict(
            finished=True,
            last_miou=miou,
            best_miou=best or miou,
            rounds=[dict(class_iou=dict(sky=miou + 1, car=miou - 1))],
            wall_seconds=60,
            peak_memory_mib=dict(process=500),
            machine=dict(cpu='a CPU', cores=2, threads=1, gpu=None),
            versions=dict(torch='2.13'),
        ),
    )
    write_json(
        folder / 'run',
        'forwards.json',
        dict(student=dict(learning=learning), teacher=dict(looking=40)),
    )
    write_json(
        folder / 'run',
        'opened_masks.json',
        dict(
            masks=dict(
                labeled=dict(listed=2, opened=2),
                val=dict(listed=1, opened=1),
                unlabeled=dict(listed=3, opened=len(opened)),
            ),
            unlabeled_opened=opened,
            whole=True,
        ),
    )
    write_json(
        folder,
        'measured.json',
        dict(
            miou=miou,
            boundary_miou=miou / 2,
            calibration_error=5.0,
            same_as_in_training=True,
            pseudo_labels=dict(
                of='the finished model', coverage=0.5, precision=0.9
            ),
        ),
    )
    return folder
