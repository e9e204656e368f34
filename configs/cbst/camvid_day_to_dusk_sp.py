# CBST-SP: probabilities times where each class lies in the day frames.
#   python tools/dataset_converters/spatial_prior.py \
#       configs/source_only/camvid_day.py --size 180 240 \
#       --out data/priors/camvid_day.npz
_base_ = ['./camvid_day_to_dusk.py']
hooks = dict(labeling=dict(labeler=dict(prior='data/priors/camvid_day.npz')))
