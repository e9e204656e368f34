# The classes of VOC 2012 as SPNet and STRICT divide them: 15 are seen, five
# have a name only. Background is no class, or in the last set a seen one.
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
class_sets = {
    '15/5': dict(classes=classes, num_seen=15),
    'tune': dict(classes=classes[:15], num_seen=12),
    'all': dict(classes=file_classes, num_seen=16),
}
