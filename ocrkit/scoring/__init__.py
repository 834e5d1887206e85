"""Scores, their intervals, comparisons, and files of results."""
