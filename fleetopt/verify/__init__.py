"""The second opinion: every promise and every dollar of a plan, computed again from Plan and Scenario alone.

Nothing here is shared with the code that makes plans. Where that code inverts a formula (the largest rate
within a latency), this package runs it forward (the latency at the rate that the plan claims).
"""

from fleetopt.verify.verifier import verify

__all__ = ["verify"]
