"""The catalogue: one file a model, in a folder a family."""
