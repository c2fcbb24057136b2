"""Models of panels of time series."""
