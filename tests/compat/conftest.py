"""Tests that use torch run on one thread: results are the same on every machine, and workers do not fight."""

import torch

torch.set_num_threads(1)
