# DMT on CamVid, 23 labeled and 344 unlabeled images, for a CPU. Phases and
# labeling follow our recipe of DST-CBC, the gammas are those of VOC. Model A:
# the baseline sees the first 18 labels of the list, the phases see all 23.
_base_ = ['../dst_cbc/camvid_1-16.py']
model = dict(
    objective=dict(
        _delete_=True,
        type='DynamicMutualLoss',
        gamma1=5,
        gamma2=5,
        criterion=_base_.criterion,
    )
)
train_dataloader = dict(dataset=dict(indices=list(range(18))))
hooks = dict(labeling=dict(keep_confidence=True))
randomness = dict(seed=1)
