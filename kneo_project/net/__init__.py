"""The way out: whom this service connects to, and whom it believes."""
