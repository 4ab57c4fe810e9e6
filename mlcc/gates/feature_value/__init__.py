"""The gate kind `feature_value`: what each feature adds to the model, and what it costs."""
