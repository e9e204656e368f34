# U2PL on VOC 2012 as its code was released, to compare with its figures:
# padding is background, the best of all epochs on 513x513 pixels counts, and
# the contrastive objective has its defects and the weight it acted with on
# four GPUs. (Only the teacher's first weights differ, see the README.)
_base_ = ['./voc_1464.py']
data = dict(variant='released')
model = dict(
    contrast=dict(
        type='ReleasedPixelContrastLoss', form='as_released', loss_weight=0.25
    )
)
train_cfg = dict(val_interval='1 epoch')
default_hooks = dict(checkpoint=dict(save_best='voc513/mIoU'))
