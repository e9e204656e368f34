# STRICT on 171 classes of COCO-Stuff 164k, 156 seen and 15 unseen: evaluated
# on images of their own size, trained as in cocostuff.py.
_base_ = ['./cocostuff.py']
data = dict(variant='171')
