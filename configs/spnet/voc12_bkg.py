# SPNet on VOC with background as a seen class: 16 seen and 5 unseen classes.
_base_ = ['./voc12.py']
data = dict(variant='background')
