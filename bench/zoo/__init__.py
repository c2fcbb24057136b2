"""Pretrained weights: addresses, the lock, fetching, verification, frozen encoders and their cached vectors."""
