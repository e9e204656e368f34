# CamVid with three classes that have a name only, at 240x180, for CPUs: all
# 367 training images, evaluated on the 233 test images.
_base_ = ['../classes/camvid_zero_label.py']
root = 'data/camvid'
parts = {
    part: dict(
        data_prefix=dict(
            img_path=f'{root}/images/{part}',
            seg_map_path=f'{root}/annotations/{part}',
        )
    )
    for part in ('train', 'val', 'test')
}
data = dict(
    labeled=dict(
        type='BaseSegDataset',
        ann_file=f'{root}/splits/all_train.txt',
        **parts['train'],
    ),
    zero_label=dict(file_classes=_base_.file_classes, colors=_base_.colors),
    variant='test',
    variants=dict(
        test=dict(zero_label=_base_.class_sets.test, val=parts['test']),
        # On the 101 images of val.
        tune=dict(zero_label=_base_.class_sets.tune, val=parts['val']),
    ),
    word_vectors=dict(
        embeddings='data/zero_label/cocostuff_word_vectors.npz',
        names=dict(
            sky='sky-other',
            building='building-other',
            sign_symbol='street sign',
            pedestrian='person',
            bicyclist='bicycle',
        ),
    ),
    # Labels are resized, too: the metric compares at 240x180.
    resize=[dict(type='Resize', scale=(240, 180))],  # width, height
    crop_size=(144, 176),  # height, width
    augment=[dict(type='RandomCrop'), dict(type='RandomFlip', prob=0.5)],
    batch=dict(alone=8, val=8),
    num_workers=0,
    evaluator=dict(type='GeneralizedZeroLabelMetric', prefix='240x180'),
)
