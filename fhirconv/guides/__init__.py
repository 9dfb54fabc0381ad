"""Implementation guides: their packages, read safely, and where those they depend on are."""
