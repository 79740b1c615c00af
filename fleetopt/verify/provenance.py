"""Does the plan say truly where the numbers it leans on come from?"""

from __future__ import annotations

from fleetopt.plan.domain import Check
from fleetopt.verify.facts import Facts
from fleetopt.verify.tally import Tally


def evidence_is_true(facts: Facts) -> Check:
    """Every capacity in use is listed once, with the kind and source of evidence that its profile states."""
    tally = Tally("evidence_is_true", "", nothing=f"{len(facts.plan.provenance.evidence)} profiles")
    stated = [(line.model, line.config, line.role) for line in facts.plan.provenance.evidence]
    used = {
        (row.model, row.config, role) for rows in facts.placements.values() for row in rows for role in row.profiles
    }
    for key in sorted(set(stated) | used):
        where = f"{key[0]} {key[1]} {key[2]}"
        if stated.count(key) != (key in used):
            tally.fail(f"{where} is listed {stated.count(key)} times and used {int(key in used)}")
    for line in facts.plan.provenance.evidence:
        candidate = facts.candidates.get((line.model, line.config, line.role))
        source = candidate.profile.provenance if candidate else None
        if source is None or (line.evidence, line.source) != (source.evidence, source.source):
            tally.fail(f"{line.model} {line.config} {line.role} is not {line.evidence} by {line.source[:60]}")
    return tally.check()
