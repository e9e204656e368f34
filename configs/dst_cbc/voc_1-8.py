# 1/8 of VOC trainaug: 1322 labelled and 9260 unlabelled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/8_0'
labelled = dict(ann_file=f'{split}/labeled.txt')
unlabelled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labelled)
semi_dataloader = dict(
    dataset=dict(labelled=labelled, unlabelled=dict(dataset=unlabelled)))
label_dataloader = dict(dataset=dict(dataset=unlabelled))
train_cfg = dict(
    supervised_iters=14110,  # 85 epochs of 166
    iters_per_round=13890)  # 6 passes over the unlabelled images
