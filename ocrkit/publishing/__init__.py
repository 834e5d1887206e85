"""Models for others: packed, verified, exported, and taken over from other programs."""
