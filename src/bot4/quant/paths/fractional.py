"""Fractional Gaussian noise, exactly, by embedding its covariance in a circulant (Davies and Harte 1987)."""

from __future__ import annotations

import functools

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import UsageError
from bot4.quant.paths.random_streams import normals


def noise_covariance(n: int, hurst: float) -> FloatArray:
    """float64[n]: covariance of unit fractional Gaussian noise at lags 0 to n - 1.

    ``(|k + 1|^2H - 2 |k|^2H + |k - 1|^2H) / 2`` (Mandelbrot and van Ness 1968).
    """
    k = np.arange(n, dtype=np.float64)
    power = 2.0 * hurst
    covariance: FloatArray = 0.5 * ((k + 1.0) ** power - 2.0 * k**power + np.abs(k - 1.0) ** power)
    return covariance


def fractional_noise(seed: int, n_paths: int, n: int, hurst: float, first_path: int = 0) -> FloatArray:
    """Increments of fractional Brownian motion over unit steps, with exactly its covariance.

    Args:
        seed: of the simulation.
        n_paths: rows.
        n: increments a path, from 1.
        hurst: above 0, below 1.
        first_path: number of the path of row 0; a row depends on its path's stream alone.

    Returns:
        float64[n_paths, n], each of variance one.

    Raises:
        UsageError: ``hurst`` outside 0 to 1, or no increment.
    """
    if not (0.0 < hurst < 1.0 and n >= 1):
        raise UsageError(f"{n} increments of exponent {hurst}", where="fractional noise", remedy="H lies in 0 to 1")
    root = _root_spectrum(n, hurst)
    drawn = normals(seed, n_paths, 2 * n, first_path)
    spectrum = np.empty((n_paths, n + 1), np.complex128)
    spectrum.real = drawn[:, : n + 1]
    spectrum.imag[:, 0] = 0.0
    spectrum.imag[:, n] = 0.0
    spectrum.imag[:, 1:n] = drawn[:, n + 1 :]
    spectrum *= root
    noise: FloatArray = np.fft.irfft(spectrum, 2 * n, axis=1)[:, :n]
    return noise


@functools.lru_cache(maxsize=8)
def _root_spectrum(n: int, hurst: float) -> FloatArray:
    """float64[n + 1]: deviations of the Fourier coefficients 0 to n of a circular sequence of 2 n values.

    The eigenvalues of the embedding are not negative for any ``H`` (Dietrich and Newsam 1997; Craigmile 2003).
    """
    covariance = noise_covariance(n + 1, hurst)
    circular = np.concatenate((covariance, covariance[-2:0:-1]))
    eigenvalues = np.maximum(np.fft.rfft(circular).real, 0.0)
    weight = np.full(n + 1, float(n))  # 2 n values, half of the variance in each part of a complex coefficient
    weight[[0, n]] = 2.0 * n
    root: FloatArray = np.sqrt(eigenvalues * weight)
    root.flags.writeable = False
    return root
