# With DINOv2-L.
_base_ = ['./voc_1464.py']
model = dict(
    student=dict(
        backbone=dict(
            size='large',
            init_cfg=dict(
                checkpoint='data/weights/dinov2_vitl14_mmpretrain.pth'
            ),
        ),
        decode_head=dict(
            in_channels=[1024] * 4,
            embed_dims=1024,
            post_process_channels=[256, 512, 1024, 1024],
            channels=256,
        ),
    )
)
