"""A pipeline's file, the parts that it names, and the weights that fit them."""
