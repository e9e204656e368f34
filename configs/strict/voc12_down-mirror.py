# voc12 with six views: 0.5 and 0.75 times the size, all mirrored too.
_base_ = './voc12.py'
model = dict(views=dict(mirror=True, scales='down'))
