# The snapshot is chosen on 19 images of val instead of all of them; the list
# comes with the published ones (tools/dataset_converters/import_splits.py).
_base_ = ['./cityscapes_1-30.py']
val_dataloader = dict(
    dataset=dict(ann_file='data/splits/cityscapes/dst_cbc/valtiny.txt')
)
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
