# CorrMatch on CamVid, 23 labeled and 344 unlabeled images, for a CPU: the
# recipe of ../unimatch/camvid_1-16.py with one strong view. The threshold
# starts where that of the other methods is.
_base_ = ['../unimatch/camvid_1-16.py']
data = dict(views=1)
model = dict(
    type='CorrMatch',
    pseudo_labeler=dict(
        _delete_=True, type='DynamicThresholdPseudoLabeler', start=0.7
    ),
)
