"""The platform's services, ports and processes, and the demo that runs on them."""
