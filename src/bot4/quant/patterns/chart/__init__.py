"""Chart figures: see :mod:`bot4.quant.patterns.chart.scan`."""
