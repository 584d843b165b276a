"""Google's endpoints on this machine: sign-in, IAM, Resource Manager and BigQuery behind one port."""
