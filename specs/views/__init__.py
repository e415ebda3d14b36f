"""The routes about specs and about what environments demand of them."""
