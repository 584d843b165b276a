"""What Pulumi calls: the provider that it pickles, what happens at each step, and where Prefect is."""
