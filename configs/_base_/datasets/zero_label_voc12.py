# VOC 2012 trainaug (10582 images) with the 15/5 classes of SPNet and STRICT:
# the five unseen ones have a name only. Background is no class; it is
# unlabeled like them (254), void and padding are ignored (255).
data_root = 'data/VOCdevkit/VOC2012'
lists = f'{data_root}/ImageSets/Segmentation'
crop_size = (321, 321)
warp = (513, 513)

# Names of the ids of mask files.
file_classes = (
    'background',
    'aeroplane',
    'bicycle',
    'bird',
    'boat',
    'bottle',
    'bus',
    'car',
    'cat',
    'chair',
    'cow',
    'diningtable',
    'dog',
    'horse',
    'motorbike',
    'person',
    'pottedplant',
    'sheep',
    'sofa',
    'train',
    'tvmonitor',
)
seen_classes = file_classes[1:13]
validation_classes = ('horse', 'motorbike', 'person')  # seen, but for tuning
unseen_classes = ('pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor')
classes = seen_classes + validation_classes + unseen_classes
num_seen = 15
word_vectors = dict(
    embeddings='data/zero_label/voc12_word_vectors.npz',
    names=dict(pottedplant='potted_plant', tvmonitor='tv'),
)

load = [
    dict(type='LoadImageFromFile', to_float32=True),
    dict(type='LoadAnnotations'),
    dict(type='Resize', scale=warp),  # not keeping the aspect ratio
]
augment = [
    dict(type='RandomScale', ratio_range=(0.5, 1.5)),
    # The color that becomes 0.
    dict(
        type='CenterPadFields', size=warp, pad_val=(104.008, 116.669, 122.675)
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
pack = [dict(type='PackSemiInputs')]
labels = dict(
    type='MapZeroLabels',
    file_classes=file_classes,
    classes=classes,
    num_seen=num_seen,
)
truth = dict(labels, evaluate=True)
train_pipeline = load + augment + [labels] + pack
# The published protocol: image and label warped to 513x513.
test_pipeline = load + [dict(type='SetOriShape'), truth] + pack
native_pipeline = load[:-1] + [truth] + pack
tta_pipeline = load + [
    dict(type='SetOriShape'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [truth],
            pack,
        ],
    ),
]

metainfo = dict(classes=classes, num_seen=num_seen)
train = dict(
    type='BaseSegDataset',
    metainfo=metainfo,
    ann_file=f'{lists}/trainaug.txt',
    data_prefix=dict(
        img_path=f'{data_root}/JPEGImages',
        seg_map_path=f'{data_root}/SegmentationClassAug',
    ),
    pipeline=train_pipeline,
)
train_dataloader = dict(
    batch_size=10,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=train,
)
semi_dataloader = dict(train_dataloader, batch_size=8)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(train, ann_file=f'{lists}/val.txt', pipeline=test_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='GeneralizedZeroLabelMetric', prefix='warped-513')
test_evaluator = val_evaluator
tta_model = dict(type='SegTTAModel')
