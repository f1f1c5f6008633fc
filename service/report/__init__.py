"""The measures of equal treatment as a page for people: French and English, without script, made to be read on a phone or on paper."""
