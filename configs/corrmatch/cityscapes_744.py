# CorrMatch on Cityscapes, 744 labeled and 2231 unlabeled images, as published:
# ../unimatch/cityscapes_744.py with a network of output stride 8 and OHEM of
# 100000 pixels. Where the threshold starts is not published; as on VOC, 0.85.
_base_ = ['../unimatch/cityscapes_744.py']
data = dict(views=1)
model = dict(
    type='CorrMatch',
    student=dict(
        backbone=dict(dilations=(1, 1, 2, 4), strides=(1, 2, 1, 1)),
        decode_head=dict(
            dilations=(1, 12, 24, 36), loss_decode=dict(min_kept=100000)
        ),
    ),
    pseudo_labeler=dict(_delete_=True, type='DynamicThresholdPseudoLabeler'),
)
