"""One module per workflow shape."""
