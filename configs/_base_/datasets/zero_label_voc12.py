# VOC 2012 trainaug (10582 images) with the 15/5 classes of SPNet and STRICT:
# the five unseen ones have a name only. Background is no class; it is
# unlabeled like them (254), void and padding are ignored (255).
root = 'data/VOCdevkit/VOC2012'
lists = f'{root}/ImageSets/Segmentation'
train_list = 'data/zero_label/voc12_train_list.txt'
# Names of the ids of mask files.
file_classes = (
    *('background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus'),
    *('car', 'cat', 'chair', 'cow', 'diningtable', 'dog', 'horse'),
    *('motorbike', 'person', 'pottedplant', 'sheep', 'sofa', 'train'),
    'tvmonitor',
)
classes = file_classes[1:]
seen_classes, unseen_classes = classes[:12], classes[15:]
validation_classes = classes[12:15]  # seen, but held out for tuning
usual = dict(
    labeled=dict(ann_file=f'{lists}/trainaug.txt'),
    val=dict(ann_file=f'{lists}/val.txt'),
)
warped = dict(
    test_resize=[dict(type='Resize', scale=(513, 513))],
    evaluator=dict(prefix='warped-513'),
)
data = dict(
    labeled=dict(
        type='BaseSegDataset',
        data_prefix=dict(
            img_path=f'{root}/JPEGImages',
            seg_map_path=f'{root}/SegmentationClassAug',
        ),
    ),
    zero_label=dict(file_classes=file_classes),
    variant='15/5',
    variants={
        # The published protocol: image and label warped to 513x513.
        '15/5': dict(
            zero_label=dict(classes=classes, num_seen=15), **usual, **warped
        ),
        'native': dict(
            zero_label=dict(classes=classes, num_seen=15),
            test_resize=[],
            evaluator=dict(prefix='native'),
            **usual,
        ),
        # Background is a seen class: unseen objects are background there.
        'background': dict(
            zero_label=dict(classes=file_classes, num_seen=16),
            **usual,
            **warped,
        ),
        # To choose settings such as gamma: three of the seen classes are the
        # unseen ones, those of the test are ignored. The last 500 training
        # images, in SPNet's order, are held out for it.
        'tune': dict(
            zero_label=dict(classes=classes[:15], num_seen=12),
            labeled=dict(ann_file=train_list, indices=10082),
            val=dict(ann_file=train_list, indices=-500),
            **warped,
        ),
    },
    word_vectors=dict(
        embeddings='data/zero_label/voc12_word_vectors.npz',
        names=dict(pottedplant='potted_plant', tvmonitor='tv'),
    ),
    load=dict(to_float32=True),
    resize=[dict(type='Resize', scale=(513, 513))],  # whatever the aspect
    crop_size=(321, 321),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 1.5)),
        dict(  # the color that becomes 0
            type='CenterPadFields',
            size=(513, 513),
            pad_val=(104.008, 116.669, 122.675),
        ),
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.5),
    ],
    # Published for the rounds: padding is black, nine of ten are mirrored.
    round_augment=[
        dict(type='RandomScale', ratio_range=(0.5, 1.5)),
        dict(type='CenterPadFields', size=(513, 513)),
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.9),
    ],
    batch=dict(alone=10, rounds=8, val=1),
    evaluator=dict(type='GeneralizedZeroLabelMetric'),
)
