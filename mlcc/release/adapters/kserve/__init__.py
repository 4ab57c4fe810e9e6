"""An InferenceService of KServe, which splits between its last revision and the one before."""
