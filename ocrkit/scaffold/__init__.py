"""Packages to begin a plugin with."""
