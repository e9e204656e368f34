# voc12 with two views: the image and its mirror image.
_base_ = './voc12.py'
model = dict(views=dict(mirror=True, scales='none'))
