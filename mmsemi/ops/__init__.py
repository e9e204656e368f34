"""Arithmetic that methods share: boxes, maps of class scores."""
