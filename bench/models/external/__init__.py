"""Systems that are commands of their own: given files, they give back predictions."""
