"""What an acceptable row is: one idea a module."""
