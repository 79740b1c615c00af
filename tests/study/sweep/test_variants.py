"""A variant is the scenario that a person would get by editing the file, and its errors name the expression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fleetopt.errors import InputError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.load import Source, load
from fleetopt.study.sweep.designs import choices
from fleetopt.study.sweep.variables import read_variables
from fleetopt.study.sweep.variants import Variants

Write = Callable[..., Path]


def made(path: Path, *expressions: str) -> list[Scenario]:
    source = Source(path)
    variables = read_variables(source, expressions)
    variants = Variants(source, variables)
    return [variants.scenario(choice) for choice in choices(variables, "grid", 0, 0, 1000)]


def asked(scenario: Scenario) -> Scenario:
    """What a scenario asks, without which files it was read from."""
    return replace(scenario, files=(), path=Path())


EDITS = {
    "workloads.chat.demand=0.5x": {"base: 40 requests/s": "base: 20 requests/s"},
    "workloads.chat.demand.base=0.5x": {"base: 40 requests/s": "base: 20 requests/s"},
    "workloads.search.demand=2x": {"demand: 20 requests/s": "demand: 40 requests/s"},
    "workloads.search.demand.base=2x": {"demand: 20 requests/s": "demand: 40 requests/s"},
    "workloads.search.demand.slots.night=10 %": {
        "demand: 20 requests/s": "demand: {base: 20 requests/s, slots: {night: 10 %}}"
    },
    "workloads.chat.slo.ttft=+50%": {"ttft: 2 s at p90": "ttft: 3 s at p90"},
    "workloads.chat.input_tokens=0.55x": {"input_tokens: 1000": "input_tokens: 550"},
    "workloads.*.slo.tpot=60 ms": {
        "p90, tpot: 30 ms": "p90, tpot: 60 ms",
        "3 s, tpot: 30 ms": "3 s, tpot: 60 ms",
    },
    "workloads.chat.headroom=10 %": {"slo: {ttft: 2 s at p90": "headroom: 10 %\n    slo: {ttft: 2 s at p90"},
    "workloads.chat.gpu_types.allow=[H100]": {
        "slo: {ttft: 2 s at p90": "gpu_types: {allow: [H100]}\n    slo: {ttft: 2 s at p90"
    },
    "supply.quotas.b200.max_gpus=0.5x": {"max_gpus: 16": "max_gpus: 8"},
    "quotas.b200.max_gpus=8": {"max_gpus: 16": "max_gpus: 8"},
    "offers.b200.price=-25%": {"price: 44 USD": "price: 33 USD"},
    "offers.h100.max_nodes=3": {"h100-on-demand-eu-north1}": "h100-on-demand-eu-north1, max_nodes: 3}"},
    "offers.b200.terms.availability=0.9x": {"source: test}": "source: test, terms: {availability: 0.9}}"},
    "facilities.main.power=200 kW": {"  quotas:": "  facilities: {main: {power: 200 kW}}\n  quotas:"},
    "facilities.main.pue=1.2x": {"  quotas:": "  facilities: {main: {pue: 1.2}}\n  quotas:"},
    "margins.modelled=25 %": {"supply:": "margins: {modelled: 25 %}\nsupply:"},
    "margins={measured: 5 %}": {"supply:": "margins: {measured: 5 %}\nsupply:"},
    "calendar.slots.day=16 h": {},
    "calendar.outlooks={low: 50 %, high: 50 %}": {
        "slots: {night: 8 h, day: 16 h}": "slots: {night: 8 h, day: 16 h}\n  outlooks: {low: 50 %, high: 50 %}"
    },
}


@pytest.mark.parametrize("expression", EDITS)
def test_a_variant_is_the_edited_file(scenario: Write, expression: str) -> None:
    """Proves: fields as written, short forms, defaults, whole blocks, wildcards and names without 'supply.'.
    Sensitivity: a second reader of scenarios would drift from the first.
    """
    [variant] = made(scenario(), expression)
    edited = load(scenario(EDITS[expression], "edited"))
    assert asked(variant) == asked(edited)


@pytest.mark.parametrize("number", ["4_5", "+45", "4500.e-2", "45."])
def test_a_variant_of_a_number_in_another_spelling_is_the_edited_file(scenario: Write, number: str) -> None:
    """Proves: however a scenario may write 45 requests/s, 0.3 times as much is 13.5.
    Sensitivity: only the digits in front of a '_' were multiplied, so that 1_900 became 2_900.
    """
    [variant] = made(scenario({"base: 40 ": f"base: {number} "}), "workloads.chat.demand=0.3x")
    assert asked(variant) == asked(load(scenario({"base: 40 ": "base: 13.5 "}, "edited")))


def test_a_demand_in_a_table_is_multiplied_as_a_whole(scenario: Write) -> None:
    """Proves: a factor on a demand by table is one on every rate of the table.
    Sensitivity: the demand that most needs a sweep, a measured one, could have none.
    """
    path = scenario({"demand: 20 requests/s": "demand: {table: demand.csv}"})
    rates = {"night": 3.0, "day": 20.0}
    rows = [f"search,2027-Q1,{slot},base,{rps}" for slot, rps in rates.items()]
    (path / "demand.csv").write_text("\n".join(["workload,period,slot,outlook,requests_per_s", *rows]) + "\n")
    [variant] = made(path, "workloads.*.demand=1.5x")
    found = {workload.name: workload.demand_rps for workload in variant.workloads}
    assert found["search"] == {("2027-Q1", slot, "base"): 1.5 * rps for slot, rps in rates.items()}
    assert max(found["chat"].values()) == 60.0


def test_a_demand_in_a_table_may_be_made_twenty_times_as_large(scenario: Write) -> None:
    """A bare 20 in a file might be meant as a percentage and is refused; a sweep writes what cannot be mistaken."""
    path = scenario({"demand: 20 requests/s": "demand: {table: demand.csv}"})
    head = "workload,period,slot,outlook,requests_per_s"
    (path / "demand.csv").write_text(f"{head}\nsearch,2027-Q1,day,base,7\nsearch,2027-Q1,night,base,3\n")
    [variant] = made(path, "workloads.search.demand=20x")
    found = {workload.name: workload.demand_rps for workload in variant.workloads}
    assert found["search"] == {("2027-Q1", "day", "base"): 140.0, ("2027-Q1", "night", "base"): 60.0}


def test_a_catalog_price_is_changed_with_its_source(scenario: Write) -> None:
    """Proves: an offer by name has the catalog's price changed, hourly and upfront, and says that it was.
    Sensitivity: -20 % of nothing; or a plan that passes an assumed price for a list price.
    """
    [variant] = made(scenario(), "offers.h100.price=-20%", "offers.buy.upfront=0.5x")
    before = {line.name: line.offer for line in load(scenario()).supply.lines}
    after = {line.name: line.offer for line in variant.supply.lines}
    assert after["h100"].usd_per_node_h == pytest.approx(0.8 * before["h100"].usd_per_node_h)
    assert after["buy"].upfront_usd_per_node == pytest.approx(0.5 * before["buy"].upfront_usd_per_node)
    for name in ("h100", "buy"):
        assert after[name].provenance.evidence == "assumed"
        assert before[name].provenance.source in after[name].provenance.source
        assert replace(after[name], usd_per_node_h=0, upfront_usd_per_node=0, provenance=before[name].provenance) == (
            replace(before[name], usd_per_node_h=0, upfront_usd_per_node=0)
        )


def test_as_it_is_changes_nothing_not_even_what_is_unwritten(scenario: Write) -> None:
    """Proves: a factor of one leaves the scenario, its provenance and its hash alone.
    Sensitivity: the price of the catalog would be called assumed, and the run done twice.
    """
    source = Source(scenario())
    variables = read_variables(source, ["offers.h100.price=-10%,0,+10%"])
    variants = Variants(source, variables)
    low, same, _ = choices(variables, "grid", 0, 0, 10)
    assert variants.scenario(same) == source.scenario()
    options = SolveOptions()
    hashes = {variants.hash_of(choice, variants.scenario(choice), options) for choice in (same, (None,))}
    assert len(hashes) == 1
    assert variants.hash_of(low, variants.scenario(low), options) not in hashes


def test_the_hash_is_of_what_matters(scenario: Write) -> None:
    """Proves: layout does not change a run's hash, and each of field, table and option does.
    Sensitivity: a comment would run a sweep again, or a changed profile would not.
    """

    def hash_of(path: Path, options: SolveOptions) -> str:
        source = Source(path)
        return Variants(source, ()).hash_of((), source.scenario(), options)

    first = hash_of(scenario(), SolveOptions())
    assert hash_of(scenario({"name: sweeps": "# a comment\nname:   sweeps"}, "other"), SolveOptions()) == first
    assert hash_of(scenario({"40 requests/s": "41 requests/s"}, "more"), SolveOptions()) != first
    assert hash_of(scenario(), SolveOptions(gap=0.01)) != first
    assert hash_of(scenario(), SolveOptions(time_limit_s=1.0)) != first
    own = scenario() / "models/_hardware"
    own.mkdir(parents=True)
    (own / "gpu_types.csv").write_text(
        "name,memory_gib,memory_bandwidth_gb_s,power_w,evidence,source\nX1,80,3350,700,assumed,test\n"
    )
    assert hash_of(scenario(), SolveOptions()) != first


def test_settings_are_told_in_words_and_in_numbers(scenario: Write) -> None:
    """Proves: the value of a field is in its base unit, of several fields the factor or the number they share.
    Sensitivity: the axis of a chart would be a factor in one run and seconds in the next.
    """
    source = Source(scenario())
    expressions = [
        "workloads.chat.slo.ttft=0.5x",
        "workloads.*.demand=0x",
        "workloads.*.slo.tpot=40 ms",
        "risk={weight: 10 %}",
    ]
    variants = Variants(source, read_variables(source, expressions))
    [choice] = choices(variants.variables, "grid", 0, 0, 1)
    told = [(one.setting, one.written, one.value, one.unit) for one in variants.settings(choice)]
    assert told == [
        ("0.5x", "1 s at p90", 1.0, "s at p90"),
        ("0x", None, 0.0, "x"),
        ("40 ms", None, 0.04, "s"),
        ("{weight: 10 %}", '{"weight": "10 %"}', None, ""),
    ]
    as_they_are = [(one.setting, one.written, one.value, one.unit) for one in variants.settings((None,) * 4)]
    assert as_they_are == [
        ("as it is", "2 s at p90", 2.0, "s at p90"),
        ("as it is", None, 1.0, "x"),
        ("as it is", None, None, ""),
        ("as it is", None, None, ""),
    ]


REFUSED = {
    "workloads.chat.demnd=2x": "workloads.chat has no 'demnd'. Did you mean 'demand'?",
    "workloads.chta.demand=2x": "workloads has no 'chta'. Did you mean 'chat'?",
    "offers.b20.price=2x": "supply.offers has no 'b20'. Did you mean 'b200'?",
    "suply.offers.b200.price=2x": "the scenario has no 'suply'. Did you mean 'supply'?",
    "workloads.chat.input_tokens.mean=5": "has nothing below it. Leave out '.mean'",
    "facilities.east.power=5 kW": "supply.facilities has no 'east'. Known: main",
    "supply.sites.3=main": "is a list of 0",
    "workloads.chat.demand": "has no '='",
    "include=[x.yaml]": "'include' says what is read",
    "catalog=[x]": "'catalog' says what is read",
    "workloads.chat.headroom=+20%": "workloads.chat.headroom (0.0) is zero",
    "workloads.chat.model=2x": "workloads.chat.model (llama-3.1-8b) is no number",
    "workloads.chat.most_gpu_types=2x": "workloads.chat.most_gpu_types is not written",
    "offers.buy.price=+10%": "supply.offers.buy.price (0.0 USD/node/h) is zero",
    "budgets.*.max=2x": "nothing that '*' could stand for",
    "workloads..demand=2x": "workloads has no ''",
    "=2x": "the scenario has no ''",
    "workloads.chat.slo={ttft: 2 s; tpot: 3}": "has '{ttft: 2 s; tpot: 3}', which is not valid YAML (",
}


@pytest.mark.parametrize("expression", REFUSED)
def test_an_expression_that_means_nothing_is_refused_with_a_way_out(scenario: Write, expression: str) -> None:
    """Proves: an unknown path has a suggestion, and a factor of nothing is not ignored.
    Sensitivity: a new key would be made, which the scenario's error would not trace to the command line.
    """
    with pytest.raises(InputError) as refused:
        made(scenario(), expression)
    [issue] = refused.value.issues
    assert issue.where == f"--vary '{expression}'"
    assert REFUSED[expression] in f"{issue.what}. {issue.fix}"


BROKEN = {
    "workloads.chat.slo.ttft=2": "has no unit",
    "quotas.b200.max_gpus=0.3x": "'4.8' is not a whole number",
    "workloads.chat.gpu_types.allow=[H1000]": "'H1000' is no GPU type here",
    "workloads.chat.model=llama-9": "'llama-9' is no model here",
    "calendar.slots.day=15 h": "24",
    "workloads.chat.demand.slots.nite=50 %": "is not in the calendar",
    "workloads.chat.demand=1e5x": "100000 times",
    "supply.sites=[east, east]": "names a site twice",
    "workloads.chat.headroom=1.5": "would be 150 %",
    "offers.h100.term_months=12": "stands beside 'offer'",
}


@pytest.mark.parametrize("expression", BROKEN)
def test_a_variant_that_the_rules_refuse_names_its_expression(scenario: Write, expression: str) -> None:
    """Proves: every rule of scenarios applies to variants, and its error says which --vary broke it.
    Sensitivity: the error would point at a line of a file in which nothing is wrong.
    """
    with pytest.raises(InputError) as refused:
        made(scenario(), expression, "workloads.search.slo.tpot=40 ms")
    told = str(refused.value)
    assert BROKEN[expression] in told
    assert f"--vary '{expression}'" in told


def test_two_expressions_for_one_field_are_refused(scenario: Write) -> None:
    """Proves: a field is set once, also through a wildcard or the block above it.
    Sensitivity: the order on the command line would decide in silence.
    """
    for other in ("workloads.*.demand=3x", "workloads.chat.demand.base=3x", "workloads.chat={}"):
        with pytest.raises(InputError, match=r"sets what --vary|is not|has no"):
            made(scenario(), "workloads.chat.demand=2x", other)


def test_names_may_have_what_expressions_are_made_of(scenario: Write) -> None:
    """Proves: a workload called 'a=b' can be varied: the first '=' that leaves a field is taken.
    Sensitivity: it would be an unknown path.
    """
    path = scenario({"  chat:": '  "a=b x..2":'})
    with pytest.raises(InputError):  # points are no part of names
        made(path, "workloads.a=b x..2.demand=2x")
    path = scenario({"  chat:": '  "a=b [x]":'})
    [variant] = made(path, "workloads.a=b [x].demand=2x")
    assert {w.name: max(w.demand_rps.values()) for w in variant.workloads} == {"a=b [x]": 80.0, "search": 20.0}
