# 1/4 of VOC trainaug: 2645 labelled and 7937 unlabelled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/4_0'
labelled = dict(ann_file=f'{split}/labeled.txt')
unlabelled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labelled)
semi_dataloader = dict(
    dataset=dict(labelled=labelled, unlabelled=dict(dataset=unlabelled)))
label_dataloader = dict(dataset=dict(dataset=unlabelled))
train_cfg = dict(
    supervised_iters=19860,  # 60 epochs of 331
    iters_per_round=11910)  # 6 passes over the unlabelled images
