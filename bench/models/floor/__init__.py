"""Models that learn nothing from the inputs, or nothing from pretraining: what every other row must beat."""
