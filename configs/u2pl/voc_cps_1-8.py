# 1323 labeled and 9259 unlabeled images by the lists of CPS.
_base_ = ['./voc_1323.py']
split = 'data/splits/voc12/unimatch/1_8'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
