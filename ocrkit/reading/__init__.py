"""The engine that runs images through a network and decodes what it says."""
