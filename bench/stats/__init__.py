"""Numbers from tables: nothing here knows how a score was made."""
