"""What zero-label data and models agree on."""

# Label of pixels without annotation that may receive a pseudo-label: those
# of unseen classes and, as a rule, of the background. Void and padding are
# 255 and never take part.
UNLABELLED = 254
