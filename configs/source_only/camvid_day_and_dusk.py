# Day and dusk labels together: the upper bound of day to dusk.
_base_ = ['./camvid_day.py']
train_dataloader = dict(
    dataset=dict(
        ann_file='data/camvid/splits/all_train.txt',
        data_prefix=dict(
            img_path='data/camvid/images/train',
            seg_map_path='data/camvid/annotations/train',
        ),
    )
)
