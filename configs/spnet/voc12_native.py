# voc12 evaluated on images of their own size, not warped to 513x513.
_base_ = ['./voc12.py']
data = dict(variant='native')
