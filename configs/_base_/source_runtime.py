# Training of source models: an earlier one is often better on the target, so
# the weights of each validation are kept.
_base_ = ['./supervised_runtime.py']
default_hooks = dict(weights=dict(every='validation'))
