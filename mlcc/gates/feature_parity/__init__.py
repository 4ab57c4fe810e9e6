"""The gate kind `feature_parity`: features are the same where a model is trained and where it serves."""
