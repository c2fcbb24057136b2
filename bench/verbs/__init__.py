"""The verbs beside run, one module each."""
