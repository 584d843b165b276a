"""What is wrong with inputs, told before anything is sent."""
