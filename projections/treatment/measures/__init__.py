"""The measures of equal treatment: a pure function of the log up to a position."""
