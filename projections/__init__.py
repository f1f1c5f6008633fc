"""Read models, one folder each, rebuilt from the log at any time."""
