"""Work pools, deployments, variables and automations of Prefect, as Pulumi resources.

`resources` has what programs use, `provider` the class that Pulumi pickles, `lifecycle` what happens at
each of the engine's steps. Each other module is one kind of object: what identifies it, which inputs it
has, and how Prefect is asked for it over HTTP.
"""
