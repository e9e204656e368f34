# Ablation: offline weights, the stored confidence to the power gamma.
_base_ = ['./voc_1-20_dst-cbc.py']
model = dict(objective=dict(offline=True))
custom_hooks = _base_.custom_hooks
custom_hooks[0].keep_confidence = True
