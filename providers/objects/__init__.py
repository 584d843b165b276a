"""A name in states that were written before it moved. Never delete it."""
