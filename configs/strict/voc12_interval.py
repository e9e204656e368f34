# voc12 with a generator renewed every 250 iterations inside the round.
_base_ = './voc12.py'
custom_hooks = [
    dict(type='GeneratorRefreshHook', interval=250),
    dict(type='ViewPictureHook'),
]
