"""What is chosen on data that nothing was trained on."""
