# Ablation: the whole method, on split 1, as the others of the published table.
_base_ = ['./voc_1-20_paper.py']
split = 'data/splits/voc12/dst_cbc/20_1'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
# Best snapshot of configs/supervised/voc_1-20_paper.py with --split
# data/splits/voc12/dst_cbc/20_1; the same for all ablations.
load_from = 'data/weights/supervised_voc_1-20_paper_split1.pth'
