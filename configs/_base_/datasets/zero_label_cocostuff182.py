# COCO-Stuff 164k (118287 train, 5000 val images) with the classes of SPNet and
# STRICT: 167 seen, 15 with a name only. All 182 ids of the stuffthingmaps are
# classes, also the 11 that no mask holds. Unseen classes are unlabeled (254);
# pixels without annotation and padding are ignored (255).
data_root = 'data/coco_stuff164k'
crop_size = (321, 321)
warp = (513, 513)

# Names of the ids of mask files (`000000000009.png`, not `_labelTrainIds`).
file_classes = (
    'person',
    'bicycle',
    'car',
    'motorcycle',
    'airplane',
    'bus',
    'train',
    'truck',
    'boat',
    'traffic light',
    'fire hydrant',
    'street sign',
    'stop sign',
    'parking meter',
    'bench',
    'bird',
    'cat',
    'dog',
    'horse',
    'sheep',
    'cow',
    'elephant',
    'bear',
    'zebra',
    'giraffe',
    'hat',
    'backpack',
    'umbrella',
    'shoe',
    'eye glasses',
    'handbag',
    'tie',
    'suitcase',
    'frisbee',
    'skis',
    'snowboard',
    'sports ball',
    'kite',
    'baseball bat',
    'baseball glove',
    'skateboard',
    'surfboard',
    'tennis racket',
    'bottle',
    'plate',
    'wine glass',
    'cup',
    'fork',
    'knife',
    'spoon',
    'bowl',
    'banana',
    'apple',
    'sandwich',
    'orange',
    'broccoli',
    'carrot',
    'hot dog',
    'pizza',
    'donut',
    'cake',
    'chair',
    'couch',
    'potted plant',
    'bed',
    'mirror',
    'dining table',
    'window',
    'desk',
    'toilet',
    'door',
    'tv',
    'laptop',
    'mouse',
    'remote',
    'keyboard',
    'cell phone',
    'microwave',
    'oven',
    'toaster',
    'sink',
    'refrigerator',
    'blender',
    'book',
    'clock',
    'vase',
    'scissors',
    'teddy bear',
    'hair drier',
    'toothbrush',
    'hair brush',
    'banner',
    'blanket',
    'branch',
    'bridge',
    'building-other',
    'bush',
    'cabinet',
    'cage',
    'cardboard',
    'carpet',
    'ceiling-other',
    'ceiling-tile',
    'cloth',
    'clothes',
    'clouds',
    'counter',
    'cupboard',
    'curtain',
    'desk-stuff',
    'dirt',
    'door-stuff',
    'fence',
    'floor-marble',
    'floor-other',
    'floor-stone',
    'floor-tile',
    'floor-wood',
    'flower',
    'fog',
    'food-other',
    'fruit',
    'furniture-other',
    'grass',
    'gravel',
    'ground-other',
    'hill',
    'house',
    'leaves',
    'light',
    'mat',
    'metal',
    'mirror-stuff',
    'moss',
    'mountain',
    'mud',
    'napkin',
    'net',
    'paper',
    'pavement',
    'pillow',
    'plant-other',
    'plastic',
    'platform',
    'playingfield',
    'railing',
    'railroad',
    'river',
    'road',
    'rock',
    'roof',
    'rug',
    'salad',
    'sand',
    'sea',
    'shelf',
    'sky-other',
    'skyscraper',
    'snow',
    'solid-other',
    'stairs',
    'stone',
    'straw',
    'structural-other',
    'table',
    'tent',
    'textile-other',
    'towel',
    'tree',
    'vegetable',
    'wall-brick',
    'wall-concrete',
    'wall-other',
    'wall-panel',
    'wall-stone',
    'wall-tile',
    'wall-wood',
    'water-other',
    'waterdrops',
    'window-blind',
    'window-other',
    'wood',
)
# Seen too, but held out when settings are tuned.
validation_classes = (
    'motorcycle',
    'elephant',
    'baseball bat',
    'wine glass',
    'banana',
    'chair',
    'keyboard',
    'refrigerator',
    'branch',
    'light',
    'napkin',
    'pavement',
)
unseen_classes = (
    'cow',
    'giraffe',
    'suitcase',
    'frisbee',
    'skateboard',
    'carrot',
    'scissors',
    'cardboard',
    'clouds',
    'grass',
    'playingfield',
    'river',
    'road',
    'tree',
    'wall-concrete',
)
seen_classes = tuple(
    name
    for name in file_classes
    if name not in validation_classes + unseen_classes
)
classes = seen_classes + validation_classes + unseen_classes
num_seen = 167
word_vectors = dict(embeddings='data/zero_label/cocostuff_word_vectors.npz')

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
    data_prefix=dict(
        img_path=f'{data_root}/images/train2017',
        seg_map_path=f'{data_root}/annotations/train2017',
    ),
    pipeline=train_pipeline,
)
train_dataloader = dict(
    batch_size=10,
    num_workers=8,
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
    dataset=dict(
        train,
        data_prefix=dict(
            img_path=f'{data_root}/images/val2017',
            seg_map_path=f'{data_root}/annotations/val2017',
        ),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='GeneralizedZeroLabelMetric', prefix='warped-513')
test_evaluator = val_evaluator
tta_model = dict(type='SegTTAModel')
