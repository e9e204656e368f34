# CBST-SP: probabilities times a spatial prior made from the source labels by
# tools/dataset_converters/spatial_prior.py; portions of the released command.
_base_ = ['./gta5_to_cityscapes.py']
train_cfg = dict(portions=dict(start=0.15))
hooks = dict(labeling=dict(labeler=dict(prior='data/gta5/spatial_prior.npz')))
