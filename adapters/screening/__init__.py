"""Screening: small pure rules that find in a text what its reviewer should look at."""
