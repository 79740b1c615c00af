"""Which options are dropped before anything is solved, and that no cost depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.supply_domain import SupplyLine

if TYPE_CHECKING:
    from tests.optimizer.conftest import Build


def kept(build: Build, *candidates: Candidate, lines: tuple[SupplyLine, ...] = ()) -> list[str]:
    lines = lines or (build.line("rent", "Ax8"),)
    sites = tuple(dict.fromkeys(line.site for line in lines))
    case = build.case(build.scenario(build.workload(rps=20.0), candidates, lines, sites=sites))
    return [option.name for option in case.options["chat"]]


def test_copies_of_a_small_option_replace_a_large_one(build: Build) -> None:
    """Proves: two replicas of 1 GPU at 2 requests/s replace one of 2 GPUs at 4; not one at 4.1.
    Sensitivity: comparing option by option instead of copy by copy would keep both.
    """
    assert kept(build, build.rate("one", 2.0), build.rate("two", 4.0, gpus=2)) == ["one/aggregated/Ax8@east"]
    assert len(kept(build, build.rate("one", 2.0), build.rate("two", 4.1, gpus=2))) == 2


def test_only_whole_copies_count(build: Build) -> None:
    """Proves: on nodes of eight, one replica of 16 GPUs at 4 requests/s does not replace one of 24 at 5.
    Sensitivity: one and a half copies would, and 5 requests/s would take two replicas, 32 GPUs instead of 24.
    """
    assert len(kept(build, build.rate("two", 4.0, gpus=16), build.rate("three", 5.0, gpus=24))) == 2


def test_a_smaller_option_is_never_dropped_for_a_larger(build: Build) -> None:
    """Proves: a replica of 2 GPUs does not replace one of 1 GPU, however fast.
    Sensitivity: comparing requests/s alone would drop it, and a single free GPU would be of no use.
    """
    assert len(kept(build, build.rate("one", 1.0), build.rate("two", 9.0, gpus=2))) == 2


def test_of_two_equal_options_one_stays(build: Build) -> None:
    """Proves: options that dominate each other do not both go; the first by name stays.
    Sensitivity: with both dropped the workload could not be served at all.
    """
    assert kept(build, build.rate("d", 2.0), build.rate("c", 2.0)) == ["c/aggregated/Ax8@east"]


def test_an_option_of_another_pool_is_no_substitute(build: Build) -> None:
    """Proves: dominance stays within a pool, whose nodes may have a price or a limit of their own.
    Sensitivity: across pools the option on the cheaper or only available nodes could be dropped.
    """
    lines = (build.line("e", "Ax8"), build.line("w", "Ax8", site="west"), build.line("small", "Ax4"))
    assert len(kept(build, build.rate("c", 2.0), lines=lines)) == 3


def test_a_role_or_kv_format_of_its_own_is_kept(build: Build) -> None:
    """Proves: a slower prefill of another precision or engine stays, because it may be all that a decode can use.
    Sensitivity: without the link in the key only p8 would stay, and a decode of bf16 would stand alone.
    """
    options = [
        build.rate("p8", 3.0, "prefill"),
        build.rate("p16", 2.0, "prefill", precision="bf16"),
        build.rate("ptrt", 1.0, "prefill", engine="trtllm 1.0"),
        build.rate("d8", 1.0, "decode"),
    ]
    assert len(kept(build, *options)) == 4
    aggregated = [build.rate("g8", 3.0), build.rate("g16", 2.0, precision="bf16")]
    assert kept(build, *aggregated) == ["g8/aggregated/Ax8@east"]


def test_engine_versions_hand_over_to_each_other(build: Build) -> None:
    """Proves: the version is no part of the KV format, so that the slower of two versions is dropped.
    Sensitivity: with the version in the key both would be kept.
    """
    new, old = build.rate("new", 3.0, "prefill", engine="vllm 2.0"), build.rate("old", 2.0, "prefill")
    assert kept(build, new, old) == ["new/prefill/Ax8@east"]


def test_sizes_are_set_aside_anew_once_options_are_gone(build: Build) -> None:
    """Proves: a dominated size no longer forces others to be rounded up: 3 of 6 GPUs stay 3.
    Sensitivity: sized before dropping, a replica of 3 GPUs would set aside 6 beside one of 2.
    """
    lines = (build.line("rent", "Ax6"),)
    best, worse = build.rate("three", 9.0, gpus=3), build.rate("four", 1.0, gpus=4)
    case = build.case(build.scenario(build.workload(rps=9.0), [best, worse], lines))
    assert [(o.capacity.candidate.config.name, o.node_gpus) for o in case.options["chat"]] == [("three", 3)]
