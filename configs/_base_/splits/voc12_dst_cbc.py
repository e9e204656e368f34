# Lists of DST-CBC and DMT on VOC 2012: draws 106_0, 106_1, ...; epochs are
# those of the baselines.
lists = 'data/VOCdevkit/VOC2012/ImageSets/Segmentation'
dst_cbc_splits = {
    '106': dict(labeled=100, unlabeled=10482, epochs=300, val_interval=100),
    '50': dict(labeled=211, unlabeled=10371, epochs=212, val_interval=140),
    '20': dict(labeled=530, unlabeled=10052, epochs=134, val_interval=220),
    '8': dict(labeled=1322, unlabeled=9260, epochs=85, val_interval=350),
    '4': dict(labeled=2645, unlabeled=7937, epochs=60, val_interval=500),
    # VOC's own train, and the rest of trainaug; then all of it.
    '1464': dict(
        labeled=1464,
        unlabeled=9118,
        epochs=85,
        val_interval=350,
        lists=(f'{lists}/train.txt', f'{lists}/aug.txt'),
    ),
    'all': dict(
        labeled=10582,
        epochs=30,
        val_interval=1000,
        lists=(f'{lists}/trainaug.txt', ''),
    ),
    # Halves for difference-maximized sampling, 80 % of 106 and 50.
    **{f'106-{side}': dict(labeled=80) for side in 'lr'},
    **{f'50-{side}': dict(labeled=168) for side in 'lr'},
}
