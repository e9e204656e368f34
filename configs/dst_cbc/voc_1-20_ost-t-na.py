# Ablation: no augmentation of the pseudo-labeled images.
_base_ = ['./voc_1-20_ost-t.py']
semi_dataloader = dict(
    dataset=dict(
        unlabeled=dict(
            dataset=dict(
                pipeline=[
                    dict(type='LoadImageFromFile', to_float32=True),
                    dict(type='LoadPseudoLabel', match_image=False),
                    dict(type='TorchResize', scale=(321, 321)),
                    _base_.pseudo_pipeline[-1],
                ]
            )
        )
    )
)
