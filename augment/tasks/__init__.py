"""What a row is: one module per task."""
