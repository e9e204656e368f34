"""Arithmetic that methods share: boxes, class scores, sums over a step."""
