"""What is wrong around runs: who does the work, who keeps the time, and what nobody takes care of."""
