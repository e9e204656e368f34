# CBST-SP: probabilities times a spatial prior made from the source labels by
# tools/dataset_converters/spatial_prior.py.
_base_ = ['./gta5_to_cityscapes.py']
hooks = dict(labeling=dict(labeler=dict(prior='data/gta5/spatial_prior.npz')))
