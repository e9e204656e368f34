# CutMix pastes another crop of the same photograph, as published, instead of
# another image of the batch.
_base_ = ['./voc_1464.py']
data = dict(second_stream=True)
model = dict(
    mixing=dict(
        type='CutMix', box='unimatch', prob=0.5, per_image=True, partner='same'
    )
)
