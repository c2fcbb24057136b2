"""Models for text classification: `X` is a series of strings."""
