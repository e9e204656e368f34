# To choose gamma: trained on 155 classes, evaluated on 12 other classes and on
# 2000 training images that are held out.
_base_ = ['./cocostuff.py']
data = dict(variant='tune')
