"""Files of weights and of exported networks."""
