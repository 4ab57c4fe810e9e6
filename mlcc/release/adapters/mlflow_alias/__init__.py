"""A version of a model in MLflow's registry that an alias names, for whoever loads the model by it."""
