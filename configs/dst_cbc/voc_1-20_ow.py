# Ablation: offline weights, the stored confidence to the power gamma.
_base_ = ['./voc_1-20_dst-cbc.py']
model = dict(objective=dict(offline=True))
hooks = dict(labeling=dict(keep_confidence=True))
