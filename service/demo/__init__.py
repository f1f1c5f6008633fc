"""A whole consultation, played against the real service over HTTP."""
