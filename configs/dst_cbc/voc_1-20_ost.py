# Ablation: labels of the moment instead of stored ones, nearly all of them.
_base_ = ['./voc_1-20_st.py']
model = dict(
    objective=dict(
        _delete_=True, type='OnlineSelfTrainingLoss', threshold=1e-4
    )
)
