"""Jump processes on the CPU: the methods by name, and the memory of a path."""
