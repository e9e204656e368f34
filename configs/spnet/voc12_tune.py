# To choose gamma on classes that are no test classes: trained on 12 classes
# and 10082 images, evaluated on 3 other classes and the other 500 images.
_base_ = ['./voc12.py']
data = dict(variant='tune')
