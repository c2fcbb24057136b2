"""Baseline-first benchmarking: strong and stable baselines on your data, and which one to ship."""

__version__ = "0.1.0"
