"""How far a fitted figure is from the textbook's: the misfit that confidence is made of.

    confidence = 2 ** -misfit
    misfit = (residual / tolerance)^2 + (unevenness / tolerance)^2
             + sum over the form's measures of ((measure - drawn) / tolerance)^2

Unevenness is the root mean square log of the legs' durations against the drawn ones. The residual is the root mean
square distance of the block means from the template, as a fraction of all that the figure spans; three fifths of its
squared tolerance are for the noise of single bars, of which a mean of n closes keeps an nth. A confidence of one half,
the default threshold, is a misfit of one: an ellipsoid around the ideal figure.

The tolerances were chosen on drawn figures and random walks of seeds that no test uses: wide enough for nine of ten
figures drawn with uniform noise of 10% of their height, tight enough that all kinds together fire less than once in
1,000 bars of random walk.
"""

from __future__ import annotations

import math

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, b1, f8, i8, kernel
from bot4.quant.patterns.chart.template import (
    BOWL,
    CUP,
    DOUBLE,
    FLAG,
    FLAT_TRIANGLE,
    HEAD_AND_SHOULDERS,
    MAX_KNOTS,
    N_FORMS,
    PENNANT,
    RECTANGLE,
    SYMMETRICAL,
    TRIPLE,
    WEDGE,
    height_at,
    n_knots,
)

N_MEASURES = 3
_HOPELESS = 4.0
_HOPELESS_SHARE = 0.8
_FLOATS = array(f8)

_DRAWN_LEGS = np.zeros((N_FORMS, MAX_KNOTS - 1))
"""Durations of the legs as drawn, as fractions of the whole."""
_DRAWN_LEGS[HEAD_AND_SHOULDERS] = (0.15, 0.15, 0.2, 0.2, 0.15, 0.15)
_DRAWN_LEGS[DOUBLE, :4] = 0.25
_DRAWN_LEGS[TRIPLE] = 1.0 / 6.0
_DRAWN_LEGS[WEDGE] = 1.0 / 6.0
for _form in (FLAT_TRIANGLE, SYMMETRICAL, RECTANGLE):
    _DRAWN_LEGS[_form, :5] = 0.2
_DRAWN_LEGS[FLAG, :5] = (0.25, 0.2, 0.18, 0.19, 0.18)
_DRAWN_LEGS[PENNANT, :5] = (0.25, 0.2, 0.18, 0.19, 0.18)
_DRAWN_LEGS[CUP, :4] = (0.36, 0.36, 0.14, 0.14)
_DRAWN_LEGS[BOWL, :2] = 0.5

_RESIDUAL_TOLERANCE = np.zeros(N_FORMS)
_DURATION_TOLERANCE = np.zeros(N_FORMS)
_DRAWN_MEASURES = np.zeros((N_FORMS, N_MEASURES))
_MEASURE_TOLERANCES = np.full((N_FORMS, N_MEASURES), math.inf)
for _form, _residual, _duration, _drawn, _tolerances in (
    (HEAD_AND_SHOULDERS, 0.084, 0.55, (0.62, 0.0), (0.45, 0.38)),
    (DOUBLE, 0.088, 0.46, (), ()),
    (TRIPLE, 0.106, 0.56, (), ()),
    (FLAT_TRIANGLE, 0.086, 0.41, (0.50,), (0.60,)),
    (SYMMETRICAL, 0.089, 0.46, (0.50, -0.03), (0.80, 0.46)),
    (WEDGE, 0.090, 0.58, (0.33, -0.85), (0.90, 0.59)),
    (FLAG, 0.085, 0.52, (0.37, -0.11), (0.26, 0.31)),
    (PENNANT, 0.101, 0.75, (0.18, 0.60, 0.06), (1.12, 0.52, 0.222)),
    (RECTANGLE, 0.100, 0.54, (), ()),
    (CUP, 0.105, 0.50, (0.28,), (0.25,)),
    (BOWL, 0.084, 0.32, (), ()),
):
    _RESIDUAL_TOLERANCE[_form], _DURATION_TOLERANCE[_form] = _residual, _duration
    _DRAWN_MEASURES[_form, : len(_drawn)] = _drawn
    _MEASURE_TOLERANCES[_form, : len(_drawn)] = _tolerances


@kernel(f8(i8, _FLOATS, f8))
def upper_at(form: int, theta: FloatArray, x: float) -> float:
    """The boundary that is broken (upper line, neckline or rim) at a time."""
    if form in (FLAG, PENNANT):
        return float(theta[1] + theta[2] * x)
    if form in (SYMMETRICAL, WEDGE, HEAD_AND_SHOULDERS):
        return float(theta[0] + theta[1] * x)
    return float(theta[0])


@kernel(f8(i8, _FLOATS, f8))
def lower_at(form: int, theta: FloatArray, x: float) -> float:
    """The boundary opposite to the break at a time; where there is no line, the figure's lowest level."""
    if form == FLAT_TRIANGLE:
        return float(theta[1] + theta[2] * x)
    if form in (SYMMETRICAL, WEDGE):
        return float(theta[2] + theta[3] * x)
    if form == PENNANT:
        return float(theta[3] + theta[4] * x)
    if form in (FLAG, HEAD_AND_SHOULDERS):
        return float(upper_at(form, theta, x) - theta[3])
    return float(theta[0] - theta[1])


@kernel(f8(i8, _FLOATS, _FLOATS, _FLOATS))
def extent(form: int, knots: FloatArray, rows: FloatArray, theta: FloatArray) -> float:
    """All that the fitted figure spans, its highest knot to its lowest: what the residual is measured in."""
    if form == HEAD_AND_SHOULDERS:
        return float(theta[3])
    highest, lowest = -math.inf, math.inf
    for k in range(n_knots(form)):
        height = height_at(rows, theta, k)
        highest, lowest = max(highest, height), min(lowest, height)
    return highest - lowest


@kernel(f8(i8, i8, _FLOATS, _FLOATS))
def measure(form: int, number: int, knots: FloatArray, theta: FloatArray) -> float:
    """A measure of the fitted figure, without unit.

    ======================  ============================  ==========================  =======================
    form                    first                         second                      third
    ======================  ============================  ==========================  =======================
    head and shoulders      shoulders / head              neckline's rise / head
    flat triangle           width at the break / mouth
    symmetrical triangle    width at the break / mouth    drift of the middle / mouth
    wedge                   width at the break / mouth    drift of the middle / mouth
    flag                    width / pole                  drift / pole
    pennant                 width at the break / mouth    mouth / pole                drift / pole
    cup                     handle / cup
    ======================  ============================  ==========================  =======================
    """
    last = knots[n_knots(form) - 1]
    first = knots[1] if form in (FLAG, PENNANT) else knots[0]
    mouth = upper_at(form, theta, first) - lower_at(form, theta, first)
    neck = upper_at(form, theta, last) - lower_at(form, theta, last)
    middle = 0.5 * (upper_at(form, theta, first) + lower_at(form, theta, first))
    drift = 0.5 * (upper_at(form, theta, last) + lower_at(form, theta, last)) - middle
    if form == HEAD_AND_SHOULDERS:
        return float(theta[2] / theta[3] if number == 0 else theta[1] * (last - first) / theta[3])
    if form == CUP:
        return float(theta[2] / theta[1])
    if form in (FLAG, PENNANT):
        pole = upper_at(form, theta, first) - theta[0]
        if form == FLAG:
            return float(mouth / pole if number == 0 else drift / pole)
        return float(neck / mouth if number == 0 else mouth / pole if number == 1 else drift / pole)
    return float(neck / mouth if number == 0 else drift / mouth)


@kernel(f8(i8, _FLOATS))
def duration_misfit(form: int, knots: FloatArray) -> float:
    """Mean square log of the legs' durations against the drawn ones."""
    n_legs = n_knots(form) - 1
    whole, total = knots[n_legs] - knots[0], 0.0
    for leg in range(n_legs):
        ratio = (knots[leg + 1] - knots[leg]) / (whole * _DRAWN_LEGS[form, leg])
        total += math.log(ratio) ** 2
    return float(total / n_legs)


@kernel(b1(i8, _FLOATS, f8))
def is_out_of_time(form: int, knots: FloatArray, largest: float) -> bool:
    """Whether knots not yet moved are so uneven in time that a fit is not worth trying."""
    if form == CUP:
        share = (knots[1] - knots[0]) / (knots[4] - knots[0])
        return abs(math.log(share / _DRAWN_LEGS[CUP, 0])) > _HOPELESS_SHARE
    return bool(duration_misfit(form, knots) > _HOPELESS * largest * _DURATION_TOLERANCE[form] ** 2)


@kernel(f8(i8, _FLOATS, _FLOATS, _FLOATS, f8, i8))
def misfit(
    form: int, knots: FloatArray, rows: FloatArray, theta: FloatArray, mean_square: float, block_bars: int
) -> float:
    """The misfit of a template fitted to means of ``block_bars`` closes; infinite where it is upside down."""
    height = extent(form, knots, rows, theta)
    last, first = n_knots(form) - 1, 1 if form in (FLAG, PENNANT) else 0
    if not (height > 0.0 and upper_at(form, theta, knots[first]) > lower_at(form, theta, knots[first])):
        return math.inf
    if not upper_at(form, theta, knots[last]) > lower_at(form, theta, knots[last]):
        return math.inf
    tolerated = (height * _RESIDUAL_TOLERANCE[form]) ** 2 * (0.4 + 0.6 / block_bars)
    total = mean_square / tolerated
    total += duration_misfit(form, knots) / _DURATION_TOLERANCE[form] ** 2
    for number in range(N_MEASURES):
        tolerance = _MEASURE_TOLERANCES[form, number]
        if tolerance < math.inf:
            error = (measure(form, number, knots, theta) - _DRAWN_MEASURES[form, number]) / tolerance
            total += error * error
    return float(total)
