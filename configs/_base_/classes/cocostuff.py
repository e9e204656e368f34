# The 182 classes of COCO-Stuff 164k, as SPNet and STRICT divide them: 167 are
# seen, also the 11 that no mask holds, and 15 have a name only.


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
class_sets = {
    '182': dict(classes=classes, num_seen=167),
    '171': dict(
        classes=tuple(n for n in classes if n not in absent_classes),
        num_seen=156,
    ),
    'tune': dict(classes=seen_classes + validation_classes, num_seen=155),
}
