"""An exchange in a box: takes approved orders, matches them against market events, reports back."""
