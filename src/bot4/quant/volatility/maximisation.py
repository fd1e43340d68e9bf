"""Maximum likelihood of the volatility models: BFGS in free coordinates, compiled.

The function minimised is minus the log-likelihood per return, so that its gradient does not grow with their number.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bot4.kernel import array, f8, i8, kernel
from bot4.quant.volatility.likelihood import N_PARAMETERS, log_likelihood
from bot4.quant.volatility.transforms import pull_back, to_parameters, to_theta

CONVERGED, TOO_MANY_STEPS, NO_DESCENT, NOT_FINITE = 0, 1, 2, 3

MOST_STEPS = 200
GRADIENT_TOLERANCE = 1e-6  # of the mean log-likelihood by any coordinate

# Rows of the memory of a maximisation.
THETA, PARAMETERS, GRADIENT, TRIAL, TRIAL_GRADIENT, DIRECTION, CHANGE, IMAGE, INVERSE = 0, 1, 2, 3, 4, 5, 6, 7, 8
HESSIAN = INVERSE + N_PARAMETERS
FACTOR = HESSIAN + N_PARAMETERS
N_MEMORY_ROWS = FACTOR + N_PARAMETERS

_SUFFICIENT = 1e-4  # share of the descent that the slope promises
_LONGEST_STEP = 2.0
_PROBE = 1e-4
_FIRST_LIFT = 1e-3
_MOST_LIFTS = 8
_LEAST_CURVATURE = 1e-7
_MOST_HALVINGS = 40
_NO_BETTER = 1e-12


@kernel(f8(i8, i8, i8, array(f8), f8, array(f8, 2), array(f8), array(f8), array(f8)))
def loss_at(
    model: int,
    has_mean: int,
    is_student: int,
    returns: Any,
    start: float,
    work: Any,
    theta: Any,
    parameters: Any,
    gradient: Any,
) -> float:
    """Minus the log-likelihood per return at a point (infinite where not finite), and its gradient by coordinates."""
    to_parameters(model, is_student, theta, parameters)
    n = len(returns)
    loss = -float(log_likelihood(model, parameters, returns, start, work, gradient)) / n
    if not math.isfinite(loss):
        return np.inf
    for k in range(N_PARAMETERS):
        gradient[k] /= -n
    pull_back(model, has_mean, is_student, theta, parameters, gradient)
    return loss


@kernel(f8(array(f8), array(f8)))
def _dot(left: Any, right: Any) -> float:
    total = 0.0
    for k in range(N_PARAMETERS):
        total += left[k] * right[k]
    return total


@kernel(f8(array(f8)))
def _greatest(values: Any) -> float:
    most = 0.0
    for k in range(N_PARAMETERS):
        most = max(most, abs(values[k]))
    return most


@kernel(i8(array(f8, 2), f8))
def _reset_inverse(memory: Any, scale: float) -> int:
    for row in range(N_PARAMETERS):
        for column in range(N_PARAMETERS):
            memory[INVERSE + row, column] = scale if row == column else 0.0
    return 0


@kernel(f8(array(f8, 2)))
def _choose_direction(memory: Any) -> float:
    """Write the direction ``-H g`` (the steepest where that is no descent) and return the slope along it."""
    direction, gradient = memory[DIRECTION], memory[GRADIENT]
    for row in range(N_PARAMETERS):
        direction[row] = -float(_dot(memory[INVERSE + row], gradient))
    slope = float(_dot(direction, gradient))
    if slope >= 0.0:
        _reset_inverse(memory, 1.0)
        for row in range(N_PARAMETERS):
            direction[row] = -gradient[row]
        slope = float(_dot(direction, gradient))
    longest = float(_greatest(direction))
    if longest > _LONGEST_STEP:
        for row in range(N_PARAMETERS):
            direction[row] *= _LONGEST_STEP / longest
        slope *= _LONGEST_STEP / longest
    return slope


@kernel(i8(i8, i8, i8, array(f8), f8, array(f8, 2), array(f8, 2)))
def _measure_curvature(
    model: int, has_mean: int, is_student: int, returns: Any, start: float, work: Any, memory: Any
) -> int:
    """Begin with the inverse of the Hessian as differences of the gradient show it.

    From a unit matrix the search would spend most of its steps on learning that a change of omega is worth little and
    one of beta much. What is not positive definite is made so by adding to its diagonal.
    """
    hessian, trial = memory[HESSIAN : HESSIAN + N_PARAMETERS], memory[TRIAL]
    for k in range(N_PARAMETERS):
        for other in range(N_PARAMETERS):
            trial[other] = memory[THETA, other]
        trial[k] += _PROBE
        reached = (
            float(
                loss_at(
                    model, has_mean, is_student, returns, start, work, trial, memory[PARAMETERS], memory[TRIAL_GRADIENT]
                )
            )
            if memory[GRADIENT, k] != 0.0
            else np.inf
        )
        for other in range(N_PARAMETERS):
            hessian[k, other] = 1.0 if k == other else 0.0
            if math.isfinite(reached):
                hessian[k, other] = (memory[TRIAL_GRADIENT, other] - memory[GRADIENT, other]) / _PROBE
    for k in range(N_PARAMETERS):
        for other in range(k):
            hessian[k, other] = hessian[other, k] = 0.5 * (hessian[k, other] + hessian[other, k])
    lift = 0.0
    for _ in range(_MOST_LIFTS):
        if _invert(memory, lift):
            return 1
        lift = max(10.0 * lift, _FIRST_LIFT)
    _reset_inverse(memory, 1.0)
    return 0


@kernel(i8(array(f8, 2), f8))
def _invert(memory: Any, lift: float) -> int:
    """Write the inverse of ``HESSIAN + lift I`` by Cholesky's factors; 0 where that is not positive definite."""
    factor = memory[FACTOR : FACTOR + N_PARAMETERS]
    for row in range(N_PARAMETERS):
        for column in range(row + 1):
            rest = memory[HESSIAN + row, column]
            if row == column:
                rest += lift
            for k in range(column):
                rest -= factor[row, k] * factor[column, k]
            if row != column:
                factor[row, column] = rest / factor[column, column]
            elif rest > _LEAST_CURVATURE:
                factor[row, row] = math.sqrt(rest)
            else:
                return 0
    for unit in range(N_PARAMETERS):
        solution = memory[INVERSE + unit]
        for row in range(N_PARAMETERS):
            rest = 1.0 if row == unit else 0.0
            for k in range(row):
                rest -= factor[row, k] * solution[k]
            solution[row] = rest / factor[row, row]
        for row in range(N_PARAMETERS - 1, -1, -1):
            rest = solution[row]
            for k in range(row + 1, N_PARAMETERS):
                rest -= factor[k, row] * solution[k]
            solution[row] = rest / factor[row, row]
    return 1


@kernel(i8(array(f8, 2)))
def _learn_curvature(memory: Any) -> int:
    """The update of Broyden, Fletcher, Goldfarb and Shanno of the inverse Hessian (Nocedal and Wright, 6.17).

    ``CHANGE`` holds the step and ``TRIAL_GRADIENT`` the gradient after it; a step without positive curvature teaches
    nothing.
    """
    change, image = memory[CHANGE], memory[IMAGE]
    gradient, gradient_after = memory[GRADIENT], memory[TRIAL_GRADIENT]
    difference = memory[DIRECTION]  # no longer needed as a direction
    for k in range(N_PARAMETERS):
        difference[k] = gradient_after[k] - gradient[k]
    curvature = float(_dot(change, difference))
    if curvature <= 1e-14 * math.sqrt(float(_dot(change, change)) * float(_dot(difference, difference))):
        return 0
    for row in range(N_PARAMETERS):
        image[row] = float(_dot(memory[INVERSE + row], difference))
    factor = (1.0 + float(_dot(difference, image)) / curvature) / curvature
    for row in range(N_PARAMETERS):
        for column in range(N_PARAMETERS):
            memory[INVERSE + row, column] += (
                factor * change[row] * change[column]
                - (image[row] * change[column] + change[row] * image[column]) / curvature
            )
    return 1


@kernel(f8(i8, i8, i8, array(f8), f8, array(f8, 2), array(f8, 2), f8, f8, f8))
def _descend(
    model: int, has_mean: int, is_student: int, returns: Any, start: float, work: Any, memory: Any,
    loss: float, slope: float, step: float,
) -> float:  # fmt: skip
    """Loss at the first point along the direction that is enough of a descent, NaN where there is none.

    The point is left in ``TRIAL`` with its gradient. A step too long is shortened to the minimum of the parabola.
    """
    theta, direction, trial = memory[THETA], memory[DIRECTION], memory[TRIAL]
    for _ in range(_MOST_HALVINGS):
        for k in range(N_PARAMETERS):
            trial[k] = theta[k] + step * direction[k]
        reached = float(
            loss_at(
                model, has_mean, is_student, returns, start, work, trial, memory[PARAMETERS], memory[TRIAL_GRADIENT]
            )
        )
        if reached <= loss + _SUFFICIENT * step * slope:
            return reached
        shorter = 0.5
        if math.isfinite(reached):
            shorter = -0.5 * slope * step / (reached - loss - slope * step)
        step *= min(max(shorter, 0.1), 0.5)
    return np.nan


@kernel(i8(i8, i8, i8, array(f8), f8, array(f8, 2), array(f8, 2)))
def maximise(model: int, has_mean: int, is_student: int, returns: Any, start: float, work: Any, memory: Any) -> int:
    """Move ``memory[THETA]`` to a maximum of the likelihood.

    Args:
        model, has_mean, is_student: what is fitted.
        returns: float64[n], scaled to a deviation of about one.
        start: variance of the step before the first.
        work: float64[4, n], overwritten.
        memory: float64[26, 6]; row THETA is read and moved, row PARAMETERS holds the parameters at the end.

    Returns:
        CONVERGED, or why it stopped.
    """
    theta, gradient = memory[THETA], memory[GRADIENT]
    loss = float(loss_at(model, has_mean, is_student, returns, start, work, theta, memory[PARAMETERS], gradient))
    if not math.isfinite(loss):
        return NOT_FINITE
    _measure_curvature(model, has_mean, is_student, returns, start, work, memory)
    n_idle = 0
    outcome = TOO_MANY_STEPS
    for _ in range(MOST_STEPS):
        if float(_greatest(gradient)) < GRADIENT_TOLERANCE:
            outcome = CONVERGED
            break
        slope = float(_choose_direction(memory))
        reached = float(_descend(model, has_mean, is_student, returns, start, work, memory, loss, slope, 1.0))
        if not math.isfinite(reached):
            # Rounding leaves no descent near a minimum: it is one if the slope promised next to nothing.
            outcome = CONVERGED if -slope < 1e-9 else NO_DESCENT
            break
        for k in range(N_PARAMETERS):
            memory[CHANGE, k] = memory[TRIAL, k] - theta[k]
        _learn_curvature(memory)
        for k in range(N_PARAMETERS):
            theta[k] = memory[TRIAL, k]
            gradient[k] = memory[TRIAL_GRADIENT, k]
        n_idle = n_idle + 1 if loss - reached < _NO_BETTER else 0
        loss = reached
        if n_idle == 3:
            outcome = CONVERGED
            break
    loss_at(model, has_mean, is_student, returns, start, work, theta, memory[PARAMETERS], gradient)
    return outcome


@kernel(i8(i8, i8, i8, array(f8), f8, array(f8, 2), array(f8, 2), array(f8, 2)))
def maximise_from_best(
    model: int, has_mean: int, is_student: int, returns: Any, start: float, work: Any, memory: Any, guesses: Any
) -> int:
    """:func:`maximise` from the likeliest of some guesses, and from the next one where that does not converge.

    Args:
        guesses: float64[k, 7]: parameters, and a column for their loss; overwritten.
        model, has_mean, is_student, returns, start, work, memory: as for :func:`maximise`.
    """
    for k in range(len(guesses)):
        to_theta(model, is_student, guesses[k], memory[THETA])
        guesses[k, N_PARAMETERS] = loss_at(
            model, has_mean, is_student, returns, start, work, memory[THETA], memory[PARAMETERS], memory[GRADIENT]
        )
    outcome = NOT_FINITE
    for _ in range(len(guesses)):
        best = 0
        for k in range(1, len(guesses)):
            if guesses[k, N_PARAMETERS] < guesses[best, N_PARAMETERS]:
                best = k
        to_theta(model, is_student, guesses[best], memory[THETA])
        guesses[best, N_PARAMETERS] = np.inf
        outcome = int(maximise(model, has_mean, is_student, returns, start, work, memory))
        if outcome == CONVERGED:
            return outcome
    return outcome
