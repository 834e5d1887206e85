"""What has nothing to do with handwriting: files that appear whole, ordered threads, downloads."""
