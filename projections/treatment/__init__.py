"""The treatment of each contribution: its timeline, the queues, who holds what, the counts of each theme."""
