"""Weights that follow from their name and shape alone, so that none are stored.

Used by the scripts that make goldens and by the tests that read them. Plain sines, no
random generator whose stream another version of NumPy could change.
"""

import zlib

import numpy as np


def ruled_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the weight of a name: float32, about uniform around its centre."""
    count = int(np.prod(shape, dtype=np.int64))
    phase = zlib.crc32(name.encode("utf-8")) % 100003
    noise = np.sin(12.9898 * np.arange(1, count + 1) + 0.37 * phase) * 43758.5453
    noise = (2.0 * (noise - np.floor(noise)) - 1.0).reshape(shape)
    is_norm = "norm" in name.lower()
    if is_norm and name.endswith(("weight", "gamma", "scale")):
        return (1.0 + 0.3 * noise).astype(np.float32)
    if len(shape) == 1:
        return (0.2 * noise).astype(np.float32)
    if "embeddings" in name and "project" not in name and "mapping" not in name:
        return noise.astype(np.float32)
    return (noise * np.sqrt(3.0 / shape[-1])).astype(np.float32)


def ruled_weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Returns the weights of several names."""
    return {name: ruled_weight(name, tuple(shape)) for name, shape in shapes.items()}
