# AEL on VOC 2012, 662 labeled and 9920 unlabeled images.
_base_ = ['../_base_/methods/ael.py', '../_base_/datasets/voc12_u2pl.py']
data = dict(split='662', **_base_.ael_data)
model = dict(
    pseudo_labeler=dict(threshold=0.7),
    mixing=dict(component_share=0.03, presence_share=0.03),
    copy_paste=dict(number=1),
)
train_cfg = dict(max_iters='80 epochs')
