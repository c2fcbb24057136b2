"""What people look at: the display of a run, the table in the terminal, and Markdown beside the tables."""
