"""Tokens: for keys, for those who may act as an account, and for machines."""
