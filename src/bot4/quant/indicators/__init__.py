"""Technical indicators: one function each, for a whole array and for one more bar.

Importing the package imports every module in it, so that an indicator is known as soon as its file is there
(``docs/recipes/add_an_indicator.md``).
"""

from bot4.quant.indicators.registry import INDICATORS, discover, resolve

discover(__name__, __path__)

__all__ = ["INDICATORS", "discover", "resolve"]
