# The snapshot is chosen on 20 images of val instead of all of them; the list
# comes with the published ones (tools/dataset_converters/import_splits.py).
_base_ = ['./voc_1464.py']
data = dict(split='106_0')
val_dataloader = dict(
    dataset=dict(ann_file='data/splits/voc12/dst_cbc/valtiny.txt')
)
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
