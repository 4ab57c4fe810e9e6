"""An endpoint of Amazon SageMaker, which shares its requests between production variants."""
