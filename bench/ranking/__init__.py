"""Recommendation as the engine sees it: what is asked, how interactions are split, and how lists are made and scored.

A data set of interactions is a long frame: a row says that a user took up an item. Users and items are codes from 0 on,
in the order of their labels. Knows no model and no disk.
"""
