"""The service: HTTP, the command line, the worker."""

from importlib.metadata import version

__version__ = version("registre")
