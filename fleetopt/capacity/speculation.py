"""Speculative decoding and multi-token prediction: fewer steps for the same tokens.

A step guesses k tokens and keeps those up to the first wrong one, and one more of its own. With each guess kept with
probability a, a step makes (1 - a^(k+1)) / (1 - a) tokens on average (Leviathan et al., ICML 2023, eq. 1), and takes
1 + step_overhead times as long.
"""

from __future__ import annotations

from fleetopt.scenario.domain import Speculation


def tokens_per_step(draft_tokens: int, acceptance: float) -> float:
    """Output tokens that one step makes, 1 to draft_tokens + 1.

    >>> round(tokens_per_step(1, 0.8), 12), round(tokens_per_step(3, 0.7), 12), tokens_per_step(4, 1.0)
    (1.8, 2.533, 5.0)
    """
    return float(sum(acceptance**kept for kept in range(draft_tokens + 1)))


def stretch(speculation: Speculation | None) -> tuple[float, tuple[str, ...]]:
    """What a step's time is multiplied by to become a time per output token, with what was assumed."""
    if speculation is None:
        return 1.0, ()
    made = tokens_per_step(speculation.draft_tokens, speculation.acceptance)
    note = (
        f"decode makes {made:.3g} tokens a step: {speculation.draft_tokens} drafted, each kept with probability"
        f" {speculation.acceptance:g}, steps {100 * speculation.step_overhead:g} % longer than profiled"
    )
    return (1.0 + speculation.step_overhead) / made, (note,)
