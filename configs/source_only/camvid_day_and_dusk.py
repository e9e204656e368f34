# Day and dusk labels together: the upper bound of day to dusk.
_base_ = ['./camvid_day.py']
data = dict(
    labeled=dict(
        data_prefix=dict(
            img_path='data/camvid/images/train',
            seg_map_path='data/camvid/annotations/train',
        )
    ),
    splits=dict(
        all=dict(labeled=367, lists=('data/camvid/splits/all_train.txt', ''))
    ),
    split='all',
)
