# Ablation of DMT (abl_dst.sh): one model labels for itself, so this is run by
# tools/train.py. 1/50 of VOC trainaug, split 2.
_base_ = ['./voc_1-20_a.py']
split = 'data/splits/voc12/dst_cbc/50_2'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
train_cfg = dict(
    supervised_iters=3618,  # 134 epochs of 27
    iters_per_round=5928,
)  # 4 passes over the unlabeled images
