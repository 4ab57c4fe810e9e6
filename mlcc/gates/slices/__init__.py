"""The gate kind `slices`: a model's metrics in every part of the data, and the gaps between them."""
