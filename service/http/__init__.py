"""Controllers, one file a resource: they translate and hand over; no rule lives here."""
