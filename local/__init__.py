"""The embedded platform: everything the project needs from a cloud, on one machine, bound to 127.0.0.1.

Nothing outside this package imports it. `python -m local --help` is its command line.
"""
