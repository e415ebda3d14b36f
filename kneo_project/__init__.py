"""The base layer, and the root that puts the apps together."""
