"""The format of stored pseudo-labels, and the share a round keeps."""
