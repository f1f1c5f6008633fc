"""The statistics under the measures of equal treatment: pure functions of counts.

Nothing is rounded here. Nothing is NaN or infinite: what is undefined is None, and a code says why.
"""
