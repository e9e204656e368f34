# Labeled-only on CamVid at 480x360, all 367 images: what few labels miss.
_base_ = ['./camvid_1-16_480x360.py']
train_dataloader = dict(
    dataset=dict(ann_file='data/camvid/splits/all_train.txt')
)
