# DST-CBC with its own network.
_base_ = ['./dst_cbc.py', '../models/deeplabv2_r101-d8.py']
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=_base_.model,
    objective=dict(type='DynamicSelfTrainingLoss', gamma=9),
)
