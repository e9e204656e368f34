# lateral-sum_mobilenetv2.py from ImageNet weights.
_base_ = ['lateral-sum_mobilenetv2.py']
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/mobilenet_v2_in1k_mmseg.pth',
        )
    )
)
