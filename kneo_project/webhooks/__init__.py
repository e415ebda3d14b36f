"""Who wants to be told of what happens, by requests to an address of theirs, and what is still to be told."""
