# Ablation: the whole method, on split 1, as the others of the published table.
_base_ = ['./voc_1-20_paper.py']
data = dict(split='20_1')
