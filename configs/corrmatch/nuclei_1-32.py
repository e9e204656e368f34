# CorrMatch on nuclei, 15 labeled and 450 unlabeled images, for a CPU: the
# recipe of ../unimatch/nuclei_1-32.py with one strong view. The threshold
# starts where that of the other methods is.
_base_ = ['../unimatch/nuclei_1-32.py']
data = dict(views=1)
model = dict(
    type='CorrMatch',
    pseudo_labeler=dict(
        _delete_=True, type='DynamicThresholdPseudoLabeler', start=0.7
    ),
)
