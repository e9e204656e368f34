# CorrMatch on VOC 2012, 1464 labeled and 9118 unlabeled images, as published:
# ../unimatch/voc_1464.py with a network of output stride 8. Published are 4
# images of each kind a process, but not on how many: 8 + 8 as for UniMatch.
_base_ = ['../unimatch/voc_1464.py']
data = dict(views=1)
model = dict(
    type='CorrMatch',
    student=dict(
        backbone=dict(dilations=(1, 1, 2, 4), strides=(1, 2, 1, 1)),
        decode_head=dict(dilations=(1, 12, 24, 36)),
    ),
)
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'correlation': dict(lr_mult=10.0)})
)
