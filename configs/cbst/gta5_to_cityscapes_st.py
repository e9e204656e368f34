# ST: one threshold for all classes; everything else as in CBST.
_base_ = ['./gta5_to_cityscapes.py']
hooks = dict(labeling=dict(labeler=dict(per_class=False)))
