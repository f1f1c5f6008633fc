"""Equal treatment, re-derived from the log alone: what waited, what was handed out, and every departure from the rules."""
