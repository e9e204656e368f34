# COCO-Stuff 164k (118287 train, 5000 val images) with the classes of SPNet and
# STRICT: 167 seen, 15 with a name only. All 182 ids of the stuffthingmaps are
# classes, also the 11 that no mask holds. Unseen classes are unlabeled (254);
# pixels without annotation and padding are ignored (255).
_base_ = ['../zero_label_513.py', '../classes/cocostuff.py']
sets = _base_.class_sets
root = 'data/coco_stuff164k'
train = dict(
    img_path=f'{root}/images/train2017',
    seg_map_path=f'{root}/annotations/train2017',
)
val = dict(
    data_prefix=dict(
        img_path=f'{root}/images/val2017',
        seg_map_path=f'{root}/annotations/val2017',
    )
)
data = dict(
    labeled=dict(data_prefix=train),
    zero_label=dict(file_classes=_base_.file_classes),
    variant='182',
    variants={
        # The published protocol: image and label warped to 513x513.
        '182': dict(zero_label=sets['182'], val=val, **_base_.warped),
        # As in the papers since 2022 (ZegFormer, ZegCLIP): the classes that
        # masks hold, evaluated on images of their own size.
        '171': dict(zero_label=sets['171'], val=val, **_base_.native),
        # To choose settings such as gamma. SPNet holds out the last 2000 of
        # its train_list.npy; without a list here they are the last by name.
        'tune': dict(
            zero_label=sets['tune'],
            labeled=dict(indices=116287),
            val=dict(data_prefix=train, indices=-2000),
            **_base_.warped,
        ),
    },
    word_vectors=dict(embeddings='data/zero_label/cocostuff_word_vectors.npz'),
    num_workers=8,
    val_workers=4,
)
