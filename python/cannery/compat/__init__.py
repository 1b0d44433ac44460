"""Code that was written for other tools, unchanged but for its imports."""
