"""NATS: the log, event by event, as the JetStream stream REGISTRE."""
