"""What stands in FROM: the rows of an array, and PIVOT and UNPIVOT."""
