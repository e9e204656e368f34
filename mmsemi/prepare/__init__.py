"""What the dataset converters call."""
