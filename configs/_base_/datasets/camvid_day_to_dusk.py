# CamVid as a domain adaptation task: 305 labeled day frames (source), 62
# dusk frames of another drive without labels (target), 62 further dusk
# frames to test on. Images and labels at 240x180, for CPUs.
_base_ = ['./camvid_240x180.py']
split = 'data/camvid/splits/day_to_dusk'
# Lines of these lists name the folder, too: train/0006R0_f00930.
everywhere = dict(
    img_path='data/camvid/images', seg_map_path='data/camvid/annotations'
)
source = dict(ann_file=f'{split}/source_train.txt', data_prefix=everywhere)
target = dict(ann_file=f'{split}/target_train.txt', data_prefix=everywhere)
train_dataloader = dict(dataset=source)
semi_dataloader = dict(
    dataset=dict(labeled=source, unlabeled=dict(dataset=target))
)
label_dataloader = dict(dataset=dict(dataset=target))
val_dataloader = dict(
    dataset=dict(ann_file=f'{split}/target_test.txt', data_prefix=everywhere)
)
test_dataloader = val_dataloader
