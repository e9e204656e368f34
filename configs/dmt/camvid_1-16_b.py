# DMT on CamVid, model B: the baseline sees the last 18 of the 23 labels.
_base_ = ['./camvid_1-16_a.py']
train_dataloader = dict(dataset=dict(indices=list(range(5, 23))))
randomness = dict(seed=2)
