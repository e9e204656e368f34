# ST++ on CamVid, 23 labeled and 344 unlabeled images, for a CPU: the recipe of
# ../st/camvid_1-16.py in three stages.
_base_ = ['../st/camvid_1-16.py']
train_cfg = dict(portions=(1.0, 1.0), iters_per_round=(600, 1000))
hooks = dict(labeling=dict(type='ReliableFirstHook'))
