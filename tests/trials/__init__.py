"""Trials: kills, damaged and hostile inputs, full disks and bad servers, with counts that grow.

``docs/trials.md`` says how they are run and how an input is added.
"""
