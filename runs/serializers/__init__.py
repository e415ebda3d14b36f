"""The bodies of requests and answers about runs: what documents them is what produces them."""
