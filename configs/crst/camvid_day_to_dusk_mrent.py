# CRST-MRENT: CBST's labels and a regularizer on the pseudo-labeled pixels.
_base_ = ['../cbst/camvid_day_to_dusk.py']
model = dict(objective=dict(regularizer='ent', loss_weight=0.01))
