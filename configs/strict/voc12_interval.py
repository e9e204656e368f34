# voc12 with a generator renewed every 250 iterations inside the round.
_base_ = './voc12.py'
hooks = dict(generator=dict(interval=250))
