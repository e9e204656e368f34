# AEL on Cityscapes, 744 labeled and 2231 unlabeled images.
_base_ = ['../_base_/methods/ael.py', '../_base_/datasets/cityscapes.py']
data = _base_.ael_data
model = dict(
    # Overlapping windows add up probabilities, as published.
    student=dict(
        type='FlexibleEncoderDecoder',
        test_cfg=dict(
            mode='slide',
            crop_size=(769, 769),
            stride=(513, 513),
            added='probabilities',
        ),
    ),
    pseudo_labeler=dict(threshold=0.0),
)
train_cfg = dict(max_iters='200 epochs')
