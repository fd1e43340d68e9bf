"""An exchange in a box: takes approved orders, matches them against recorded market events, reports back."""
