"""Sphinx's configuration. ``make docs`` builds the pages; a warning is an error."""

import ocrkit

project = "ocrkit"
author = "the ocrkit contributors"
project_copyright = "the ocrkit contributors"
version = release = ocrkit.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "examples"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "undoc-members": True}

html_theme = "furo"
html_title = f"ocrkit {release}"
