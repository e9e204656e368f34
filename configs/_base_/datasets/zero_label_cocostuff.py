# COCO-Stuff 164k (118287 train, 5000 val images) with the classes of SPNet and
# STRICT: 167 seen, 15 with a name only. All 182 ids of the stuffthingmaps are
# classes, also the 11 that no mask holds. Unseen classes are unlabeled (254);
# pixels without annotation and padding are ignored (255).
root = 'data/coco_stuff164k'


def names(text):
    return tuple(text.strip().replace('\n', ' ').split(', '))


# Names of the ids of mask files (`000000000009.png`, not `_labelTrainIds`).
file_classes = names("""
person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic
light, fire hydrant, street sign, stop sign, parking meter, bench, bird, cat,
dog, horse, sheep, cow, elephant, bear, zebra, giraffe, hat, backpack,
umbrella, shoe, eye glasses, handbag, tie, suitcase, frisbee, skis,
snowboard, sports ball, kite, baseball bat, baseball glove, skateboard,
surfboard, tennis racket, bottle, plate, wine glass, cup, fork, knife, spoon,
bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza,
donut, cake, chair, couch, potted plant, bed, mirror, dining table, window,
desk, toilet, door, tv, laptop, mouse, remote, keyboard, cell phone,
microwave, oven, toaster, sink, refrigerator, blender, book, clock, vase,
scissors, teddy bear, hair drier, toothbrush, hair brush, banner, blanket,
branch, bridge, building-other, bush, cabinet, cage, cardboard, carpet,
ceiling-other, ceiling-tile, cloth, clothes, clouds, counter, cupboard,
curtain, desk-stuff, dirt, door-stuff, fence, floor-marble, floor-other,
floor-stone, floor-tile, floor-wood, flower, fog, food-other, fruit,
furniture-other, grass, gravel, ground-other, hill, house, leaves, light,
mat, metal, mirror-stuff, moss, mountain, mud, napkin, net, paper, pavement,
pillow, plant-other, plastic, platform, playingfield, railing, railroad,
river, road, rock, roof, rug, salad, sand, sea, shelf, sky-other, skyscraper,
snow, solid-other, stairs, stone, straw, structural-other, table, tent,
textile-other, towel, tree, vegetable, wall-brick, wall-concrete, wall-other,
wall-panel, wall-stone, wall-tile, wall-wood, water-other, waterdrops,
window-blind, window-other, wood
""")
# Seen too, but held out when settings are tuned.
validation_classes = names("""
motorcycle, elephant, baseball bat, wine glass, banana, chair, keyboard,
refrigerator, branch, light, napkin, pavement
""")
unseen_classes = names("""
cow, giraffe, suitcase, frisbee, skateboard, carrot, scissors, cardboard,
clouds, grass, playingfield, river, road, tree, wall-concrete
""")
# No mask holds them.
absent_classes = names("""
street sign, hat, shoe, eye glasses, plate, mirror, window, desk, door,
blender, hair brush
""")
held_out = validation_classes + unseen_classes
seen_classes = tuple(n for n in file_classes if n not in held_out)
classes = seen_classes + held_out
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
# The published protocol: image and label warped to 513x513.
warped = dict(
    test_resize=[dict(type='Resize', scale=(513, 513))],
    evaluator=dict(prefix='warped-513'),
)
data = dict(
    labeled=dict(type='BaseSegDataset', data_prefix=train),
    zero_label=dict(file_classes=file_classes),
    variant='182',
    variants={
        '182': dict(
            zero_label=dict(classes=classes, num_seen=167), val=val, **warped
        ),
        # As in the papers since 2022 (ZegFormer, ZegCLIP): the classes that
        # masks hold, evaluated on images of their own size.
        '171': dict(
            zero_label=dict(
                classes=tuple(n for n in classes if n not in absent_classes),
                num_seen=156,
            ),
            val=val,
            test_resize=[],
            evaluator=dict(prefix='native'),
        ),
        # To choose settings such as gamma. SPNet holds out the last 2000 of
        # its train_list.npy; without a list here they are the last by name.
        'tune': dict(
            zero_label=dict(
                classes=seen_classes + validation_classes, num_seen=155
            ),
            labeled=dict(indices=116287),
            val=dict(data_prefix=train, indices=-2000),
            **warped,
        ),
    },
    word_vectors=dict(embeddings='data/zero_label/cocostuff_word_vectors.npz'),
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
    num_workers=8,
    val_workers=4,
    evaluator=dict(type='GeneralizedZeroLabelMetric'),
)
