"""What belongs to the flights alone: their loader, their raw tables and their tests."""
