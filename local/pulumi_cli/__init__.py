"""Where the Pulumi CLI comes from: the one on PATH, the official installer, or a build from Go modules."""
