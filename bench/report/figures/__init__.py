"""The figures of a report, one module each: nothing here is imported before a report is drawn."""
