"""Texts to learn from: files and published data sets read into rows, and honest splits of them."""
