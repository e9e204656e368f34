# All 367 CamVid labels, as long as camvid_1-16: the upper bound of few labels.
_base_ = ['./camvid_1-16.py']
train_dataloader = dict(
    dataset=dict(ann_file='data/camvid/splits/all_train.txt')
)
