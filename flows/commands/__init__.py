"""What people type: options, exit codes, and answers for people and machines."""
