# CamVid as a domain adaptation task: 305 labeled day frames (source), 62
# dusk frames of another drive without labels (target), 62 further dusk
# frames to test on. Images and labels at 240x180, for CPUs.
_base_ = ['./camvid.py']
# Lines of these lists name the folder, too: train/0006R0_f00930.
everywhere = dict(
    img_path='data/camvid/images', seg_map_path='data/camvid/annotations'
)
lists = 'data/camvid/splits/day_to_dusk'
few = '{{ fileDirname }}/lists/camvid_dusk'
data = dict(
    labeled=dict(data_prefix=everywhere),
    val=dict(ann_file=f'{lists}/target_test.txt', data_prefix=everywhere),
    split='day_to_dusk',
    splits=dict(
        _delete_=True,
        day_to_dusk=dict(
            labeled=305,
            unlabeled=62,
            lists=(f'{lists}/source_train.txt', f'{lists}/target_train.txt'),
        ),
        day_to_dusk_4=dict(
            labeled=305,
            unlabeled=58,
            lists=(
                f'{lists}/source_train.txt',
                f'{few}_rest.txt',
                f'{few}_4.txt',
            ),
        ),
    ),
)
