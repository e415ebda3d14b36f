"""Model providers, a module each, and the choice between them."""
