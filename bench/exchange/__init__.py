"""Splits that go to a service as files, and predictions that come back from it.

Knows nothing of how a model is fitted: what comes back was made elsewhere, and is checked as if by a stranger. Nothing
here looks at the labels of a test part but to leave them out.
"""
