# Ablation: curriculum with one threshold for all classes.
_base_ = ['./voc_1-20_dst-cbc.py']
hooks = dict(labeling=dict(labeler=dict(per_class=False)))
