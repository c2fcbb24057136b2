"""Content: how each kind of problem is read and checked. One folder a task type."""
