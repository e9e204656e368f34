# Cityscapes with the lists of CPS, which UniMatch and CorrMatch take as well:
# 744 labeled images, and other ones than in the list of U2PL (--split 744).
_base_ = ['./cityscapes.py']
data = dict(
    split='cps_1-4',
    splits={
        f'cps_1-{k}': dict(
            labeled=n,
            unlabeled=2975 - n,
            lists=f'data/splits/cityscapes/unimatch/1_{k}',
        )
        for k, n in {16: 186, 8: 372, 4: 744, 2: 1488}.items()
    },
)
