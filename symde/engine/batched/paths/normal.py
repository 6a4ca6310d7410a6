"""Normal random numbers by counting, in torch: the same as the compiled engine's, to rounding.

Sources: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, Parallel random numbers: as easy as 1, 2, 3, SC
'11 (2011), section 3.3 (Philox4x32-10); G. E. P. Box, M. E. Muller, Ann. Math. Statist. 29 (1958), 610-611.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
LOW, FRACTION = 0xFFFFFFFF, (1 << 53) - 1
ROUNDS = 10
UNIT = 2.0**-53


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Four words of 32 bits, int64, of counters and a key of such words.

    A product of two words has 64 bits, so that its sign means nothing: what is shifted out is masked.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        product_0, product_1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c2 = ((product_1 >> 32) & LOW) ^ c1 ^ k0, ((product_0 >> 32) & LOW) ^ c3 ^ k1
        c1, c3 = product_1 & LOW, product_0 & LOW
        k0, k1 = (k0 + WEYL[0]) & LOW, (k1 + WEYL[1]) & LOW
    return c0, c1, c2, c3


def normals(seed: int, paths: Tensor, first: int, count: int) -> Tensor:
    """A pair of independent normal numbers of each counter from `first` on, for each path.

    Args:
        seed: Of up to 64 bits.
        paths: Their numbers, int64, shape (B,).
        first, count: The counters.

    Returns:
        float64 of shape (count, 2, B), on the device of `paths`.
    """
    numbers = torch.arange(first, first + count, device=paths.device)[:, None]
    ones = torch.ones_like(paths)
    w0, w1, w2, w3 = philox(
        (
            (numbers & LOW) * ones,
            (numbers >> 32) * ones,
            (paths & LOW) + 0 * numbers,
            (paths >> 32 & LOW) + 0 * numbers,
        ),
        (seed & LOW, seed >> 32 & LOW),
    )
    one, other = (((low | (high << 32)) >> 11 & FRACTION).double() for low, high in ((w0, w1), (w2, w3)))
    radius = torch.sqrt(-2.0 * torch.log((one + 1) * UNIT))
    angle = (2.0 * math.pi) * (other * UNIT)
    return torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), 1)
