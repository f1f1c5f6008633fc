"""Publications: bundles prepared from the log, published, superseded."""
