"""The outside world behind ports: the store, the broker, the keyring, the embedded servers."""
