"""The shell around the brain: drivers, journal, snapshots, the lock of a run, recovery."""
