# 1/106 of VOC trainaug: 100 labelled and 10482 unlabelled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/106_0'
labelled = dict(ann_file=f'{split}/labeled.txt')
unlabelled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labelled)
semi_dataloader = dict(
    dataset=dict(labelled=labelled, unlabelled=dict(dataset=unlabelled)))
label_dataloader = dict(dataset=dict(dataset=unlabelled))
train_cfg = dict(
    supervised_iters=3900,  # 300 epochs of 13
    iters_per_round=15726)  # 6 passes over the unlabelled images
