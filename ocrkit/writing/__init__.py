"""What is read, as files in a folder: their names, and the folder that holds them."""
