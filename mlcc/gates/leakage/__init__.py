"""The gate kind `leakage`: what a test set shares with training, and features that give the label away."""
