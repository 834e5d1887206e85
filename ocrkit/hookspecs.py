"""What a plugin's module needs to register its parts. The hooks themselves:
``ocrkit.parts.hooks``."""

from ocrkit.parts.hooks import Register, hookimpl

__all__ = ["Register", "hookimpl"]
