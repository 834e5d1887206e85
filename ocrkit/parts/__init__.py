"""Parts: the values that they exchange, their kinds, their options, and how plugins are found."""
