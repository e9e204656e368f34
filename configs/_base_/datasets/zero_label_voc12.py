# VOC 2012 trainaug (10582 images) with the 15/5 classes of SPNet and STRICT:
# the five unseen ones have a name only. Background is no class; it is
# unlabeled like them (254), void and padding are ignored (255).
_base_ = ['../zero_label_513.py', '../classes/voc12.py']
root = 'data/VOCdevkit/VOC2012'
lists = f'{root}/ImageSets/Segmentation'
sets = _base_.class_sets
train_list = 'data/zero_label/voc12_train_list.txt'
usual = dict(
    labeled=dict(ann_file=f'{lists}/trainaug.txt'),
    val=dict(ann_file=f'{lists}/val.txt'),
)
data = dict(
    labeled=dict(
        data_prefix=dict(
            img_path=f'{root}/JPEGImages',
            seg_map_path=f'{root}/SegmentationClassAug',
        )
    ),
    zero_label=dict(file_classes=_base_.file_classes),
    variant='15/5',
    variants={
        # The published protocol: image and label warped to 513x513.
        '15/5': dict(zero_label=sets['15/5'], **usual, **_base_.warped),
        'native': dict(zero_label=sets['15/5'], **usual, **_base_.native),
        # Background is a seen class: unseen objects are background there.
        'background': dict(zero_label=sets['all'], **usual, **_base_.warped),
        # To choose settings such as gamma: three of the seen classes are the
        # unseen ones, those of the test are ignored. The last 500 training
        # images, in SPNet's order, are held out for it.
        'tune': dict(
            zero_label=sets['tune'],
            labeled=dict(ann_file=train_list, indices=10082),
            val=dict(ann_file=train_list, indices=-500),
            **_base_.warped,
        ),
    },
    word_vectors=dict(
        embeddings='data/zero_label/voc12_word_vectors.npz',
        names=dict(pottedplant='potted_plant', tvmonitor='tv'),
    ),
)
