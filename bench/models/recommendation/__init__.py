"""Models of interactions between users and items."""
