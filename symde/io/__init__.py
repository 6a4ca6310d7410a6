"""Models in the formats of other programs; `symde.load` finds the reader by the name of the file."""
