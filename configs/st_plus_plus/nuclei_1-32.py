# ST++ on nuclei, 15 labeled and 450 unlabeled images, for a CPU: the recipe of
# ../st/nuclei_1-32.py in three stages.
_base_ = ['../st/nuclei_1-32.py']
train_cfg = dict(portions=(1.0, 1.0), iters_per_round=(600, 1000))
hooks = dict(labeling=dict(type='ReliableFirstHook'))
