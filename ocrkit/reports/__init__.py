"""What was found, for people: tables for the terminal, one HTML page, and a picture of words with
their readings."""
