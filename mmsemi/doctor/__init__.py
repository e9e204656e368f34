"""What is wrong with data or configs, found before training."""
