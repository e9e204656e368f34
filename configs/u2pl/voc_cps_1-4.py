# 2646 labeled and 7936 unlabeled images by the lists of CPS.
_base_ = ['./voc_2646.py']
split = 'data/splits/voc12/unimatch/1_4'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
