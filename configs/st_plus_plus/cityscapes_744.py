# ST++ on Cityscapes as published: ../st/cityscapes_744.py in three stages. The
# half of the unlabeled images whose predictions were stable is labeled first,
# the other half by a network that learned from it.
_base_ = ['../st/cityscapes_744.py']
train_cfg = dict(
    portions=(1.0, 1.0), iters_per_round=('120 epochs', '240 epochs')
)
hooks = dict(labeling=dict(type='ReliableFirstHook'))
