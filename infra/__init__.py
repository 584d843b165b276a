"""The parts of the Pulumi program, one idea each; `__main__.py` puts them together."""
