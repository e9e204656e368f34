# Lists of DST-CBC and DMT on Cityscapes: draws 30_0, 30_1, ...; epochs are
# those of the baselines.
half_splits = {
    '30': dict(labeled=100, unlabeled=2875, epochs=330, val_interval=100),
    '8': dict(labeled=371, unlabeled=2604, epochs=170, val_interval=350),
    '4': dict(labeled=743, unlabeled=2232, epochs=120, val_interval=500),
    'all': dict(labeled=2975, epochs=60, val_interval=1000, lists=('', '')),
}
