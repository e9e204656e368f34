# Labeled-only on CamVid at 480x360, 46 images.
_base_ = ['./camvid_1-16_480x360.py']
train_dataloader = dict(
    dataset=dict(ann_file='data/camvid/splits/1_8/seed0/labeled.txt')
)
