# UniMatch with ResNet-101, in whatever data set.
_base_ = [
    '../models/deeplabv3plus_r101-deep-stem_d16.py',
    '../schedules/sgd_poly.py',
    '../online_runtime.py',
    '../unimatch_data.py',
]
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/resnet101_deep-stem_mmseg.pth'
)
model = dict(_delete_=True, type='UniMatch', student=student)
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
train_cfg = dict(val_interval=2000)
