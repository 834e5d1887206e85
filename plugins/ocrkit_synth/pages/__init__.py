"""Pages made by synthesis: where writing goes, ink, paper, and how the page is seen."""
