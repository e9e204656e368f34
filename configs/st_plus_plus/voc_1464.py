# ST++ on VOC 2012 as published: ../st/voc_1464.py in three stages. The
# half of the unlabeled images whose predictions were stable is labeled first,
# the other half by a network that learned from it.
_base_ = ['../st/voc_1464.py']
train_cfg = dict(
    portions=(1.0, 1.0), iters_per_round=('40 epochs', '80 epochs')
)
hooks = dict(labeling=dict(type='ReliableFirstHook'))
