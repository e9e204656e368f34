# Ablation of DMT (abl_dst.sh): one model labels for itself, so this is run by
# tools/train.py. 1/50 of VOC trainaug, split 2.
_base_ = ['./voc_1-20_a.py']
split = 'data/splits/voc12/dst_cbc/50_2'
labelled = dict(ann_file=f'{split}/labeled.txt')
unlabelled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labelled)
semi_dataloader = dict(
    dataset=dict(labelled=labelled, unlabelled=dict(dataset=unlabelled)))
label_dataloader = dict(dataset=dict(dataset=unlabelled))
train_cfg = dict(
    supervised_iters=3618,  # 134 epochs of 27
    iters_per_round=5928)  # 4 passes over the unlabelled images
