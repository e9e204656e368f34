# 1/8 of CamVid: 46 labeled and 321 unlabeled images.
_base_ = ['./camvid_1-16_480x360.py']
split = 'data/camvid/splits/1_8/seed0'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        paste=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
