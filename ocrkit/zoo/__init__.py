"""Trained models and their manifests."""
