"""What one replica can carry under its SLO: memory, curves through evidence, queueing. No solver, no prices."""
