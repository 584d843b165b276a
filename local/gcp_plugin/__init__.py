"""A `gcp` provider plugin for Pulumi: the few resource kinds this project uses, from local endpoints only.

It takes the official plugin's place where that cannot be downloaded. The unmodified `pulumi_gcp` SDK talks
to it with the same `gcp:*` configuration, and either plugin can continue from a state the other one wrote.
"""

VERSION = "10.2.0"
"""What the plugin answers when the engine asks; the version of the `pulumi_gcp` SDK it serves."""
