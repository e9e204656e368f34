# As camvid_1-16, but with the consistency of CutMix-Seg: squared difference of
# probabilities, weighted by the share of confident pixels in the batch.
_base_ = ['./camvid_1-16.py']
model = dict(
    pseudo_labeler=dict(threshold=0.97, per_pixel=False),
    unsup_loss=dict(_delete_=True, type='SoftmaxMSELoss'),
)
