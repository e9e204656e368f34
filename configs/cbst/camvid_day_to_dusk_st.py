# ST: one threshold for all classes.
_base_ = ['./camvid_day_to_dusk.py']
hooks = dict(labeling=dict(labeler=dict(per_class=False)))
