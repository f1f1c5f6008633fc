"""The rules of a consultation: pure functions over immutable facts."""
