"""Methods as data: one short file each, read by the engines."""
