"""Receipts in the hands of those who keep them: as a file for people, read back, verified without the service."""
