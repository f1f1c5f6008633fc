"""The service: HTTP, the command line, the worker."""
