"""Data sets opened, and the cache of their prepared images."""
