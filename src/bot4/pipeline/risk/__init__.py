"""Risk: the clock that measures it, the clamps that bound it, and the gate through which every order passes."""
