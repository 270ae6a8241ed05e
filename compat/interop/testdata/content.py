"""The content and the sizes of frames, the same as in content_test.go.

Frame i of n bytes is a slice of one fixed random table. Neighbouring frames start at places that
have nothing in common, so a byte of another frame, or of the same frame at another offset, is
seen. Sizes are a pure function of i, so that both sides know them without telling each other.
"""

import hashlib

PERIOD = 1048573  # a prime: no two of the first million frames start at the same place
LARGEST = 4 << 20  # bytes of a frame that these tests use
TABLE = hashlib.shake_256(b"zerobuffer interop").digest(PERIOD + LARGEST)
MASK = (1 << 64) - 1


def content(i: int, n: int) -> bytes:
    """Returns frame i of n bytes."""
    start = i * 40503 % PERIOD
    return TABLE[start : start + n]


def mix(x: int) -> int:
    """The step of splitmix64: a hash of 64 bits."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def size_of(spec: dict, i: int) -> int:
    """Returns the size of frame i: from a list that repeats, or mixed, small ones more often."""
    if spec.get("list"):
        return spec["list"][i % len(spec["list"])]
    h = mix(spec["seed"] + i)
    return 1 + (h >> 8) % max(1, spec["max"] >> (h & 7))
