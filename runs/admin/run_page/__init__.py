"""The page of a run: what it does now, the workflow as a graph, what happened when, and all there is to know."""
