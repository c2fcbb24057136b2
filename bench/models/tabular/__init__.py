"""Models for tables: one file each."""
