"""What methods share: boxes, class scores, sums over a step, samples."""
