# With DINOv2-S.
_base_ = ['./voc_1464.py']
model = dict(
    student=dict(
        backbone=dict(
            size='small',
            init_cfg=dict(
                checkpoint='data/weights/dinov2_vits14_mmpretrain.pth'
            ),
        ),
        decode_head=dict(
            in_channels=[384] * 4,
            embed_dims=384,
            post_process_channels=[48, 96, 192, 384],
            channels=64,
        ),
    )
)
