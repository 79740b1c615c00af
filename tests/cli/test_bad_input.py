"""What a scenario leans on - demand tables, includes, its own catalog, its offers - written wrongly, end to end.

Each is one error on stderr with its place, the value and the fix; stdout stays empty and `-o` writes nothing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

BASE = """\
name: base
calendar:
  start: 2027-Q1
workloads:
  chat:
    model: llama-3.1-8b
    demand: 10 requests/s
    input_tokens: 1024
    output_tokens: 256
    slo: {ttft: 1 s, tpot: 30 ms}
supply:
  offers:
    h100: {offer: lambda-8xh100-on-demand}
"""
OFFER = "{offer: lambda-8xh100-on-demand}"
H100 = "s/scenario.yaml:13 supply.offers.h100"
DEMAND = "s/scenario.yaml:7 workloads.chat.demand"
TABLE = "workload,period,slot,outlook,requests_per_s\n"
ROW = "chat,2027-Q1,day,base,10\n"

CARD = """\
title: Mine
parameters_b: 8
active_parameters_b: 8
layers: 32
kv_bytes_per_token: 131072
kv_replicated_per_gpu: false
context_limit: 131072
sources: [me]
"""
CONFIGS = """\
config,gpu_type,gpus_per_replica,tensor_parallel,pipeline_parallel,data_parallel,expert_parallel,precision,engine,\
max_kv_tokens,evidence,source
"""
CONFIG = "c,H100,1,1,1,1,1,bf16,vllm,100000,measured,me\n"
PREFILL = "config,input_tokens,tokens_per_s,latency_ms\n"
DECODE = "config,context_tokens,batch,tpot_ms\nc,512,1,8\nc,512,64,16\nc,4096,1,9\nc,4096,64,18\n"
MINE = {
    "models/mine/card.yaml": CARD,
    "models/mine/configs.csv": CONFIGS + CONFIG,
    "models/mine/prefill.csv": PREFILL + "c,512,20000,\nc,4096,22000,\n",
    "models/mine/decode.csv": DECODE,
}

Write = Callable[..., None]
Case = tuple[str, str, dict[str, str], list[str]]


def _table(content: str, *told: str) -> Case:
    return "10 requests/s", "{table: d.csv}", {"d.csv": content}, list(told)


def _include(entries: str, files: dict[str, str], *told: str) -> Case:
    return "name: base", f"name: base\ninclude: {entries}", files, list(told)


def _catalog(name: str, content: str, *told: str) -> Case:
    return "llama-3.1-8b", "mine", {**MINE, f"models/{name}": content}, list(told)


def _offer(text: str, *told: str) -> Case:
    return OFFER, text, {}, list(told)


CHAIN = {f"f{i}.yaml": f"include: [f{i + 1}.yaml]\n" for i in range(40)}
WRITTEN = "node_type: 8xH100, price: 3 USD/GPU/h"

WRONG: dict[str, Case] = {
    "table missing": ("10 requests/s", "{table: dd.csv}", {"d.csv": ROW}, ["s/dd.csv: does not exist", "'d.csv'"]),
    "table absolute": ("10 requests/s", "{table: /etc/passwd}", {}, [f"{DEMAND}.table: is not a relative path"]),
    "table a folder": ("10 requests/s", "{table: '.'}", {}, ["s: is a folder"]),
    "table beside base": ("10 requests/s", "{base: 1 requests/s, table: d}", {}, [f"{DEMAND}: has a base rate and a"]),
    "no demand": ("10 requests/s", "{}", {}, [f"{DEMAND}: has neither a base rate nor a table", "40 requests/s"]),
    "unknown slot": ("10 requests/s", "{base: 1 requests/s, slots: {dya: 2}}", {}, [f"{DEMAND}.slots.dya", "'day'"]),
    "unknown precision": ("    slo:", "    precisions: [fp9]\n    slo:", {}, [".precisions.0: 'fp9'", "'fp8'"]),
    "table empty": _table("", "s/d.csv: is empty"),
    "table of comments": _table("# nothing\n", "s/d.csv: holds only comments"),
    "table header only": _table(TABLE, "s/d.csv: has a header and no rows"),
    "missing column": _table("workload,period,slot,requests_per_s\n", "s/d.csv:1: has no column 'outlook'"),
    "unknown column": _table(TABLE.replace(",outlook", ",outlook,notes"), "s/d.csv:1: has an unknown column 'notes'"),
    "column twice": _table(TABLE.replace(",outlook", ",outlook,outlook"), "s/d.csv:1: names a column twice"),
    "no rate": _table("workload,period,slot,outlook\nchat,2027-Q1,day,base\n", "has no single rate column"),
    "unknown workload": _table(TABLE + ROW + ROW.replace("chat", "chatt"), "s/d.csv:3 workload: 'chatt'", "'chat'"),
    "missing row": (
        BASE[BASE.index("start:") : BASE.index("    input_tokens")],
        "start: 2027-Q1\n  periods: 2\nworkloads:\n  chat:\n    model: llama-3.1-8b\n    demand: {table: d.csv}\n",
        {"d.csv": TABLE + ROW},
        ["s/d.csv: has no row for chat in 2027-Q2, day, base", "write 0"],
    ),
    "repeated row": _table(TABLE + ROW + ROW, "s/d.csv:3 workload: repeats chat in 2027-Q1, day, base"),
    "row too short": _table(TABLE + "chat,2027-Q1,day\n", "s/d.csv:2: has 3 cells under a header of 5"),
    "row too long": _table(TABLE + "chat,2027-Q1,day,base,1,000\n", "s/d.csv:2: has 6 cells under a header of 5"),
    "open quote": _table(TABLE + '"' + ROW, "s/d.csv:2: is not valid CSV"),
    "rate of nan": _table(TABLE + ROW.replace("10", "nan"), "s/d.csv:2 requests_per_s: 'nan' is not a finite number"),
    "rate of inf": _table(TABLE + ROW.replace("10", "inf"), "s/d.csv:2 requests_per_s: 'inf' is not a finite number"),
    "rate too large": _table(TABLE + ROW.replace("10", "1e400"), "'1e400' is not a finite number"),
    "rate negative": _table(TABLE + ROW.replace("10", "-1"), "s/d.csv:2 requests_per_s: -1 is out of range"),
    "rate a word": _table(TABLE + ROW.replace("10", "ten"), "s/d.csv:2 requests_per_s: 'ten' is not a finite number"),
    "rate empty": _table(TABLE + ROW.replace("10", ""), "s/d.csv:2 requests_per_s: is empty"),
    "rate mistaken": _table(TABLE + ROW.replace("10", "1e7"), "comes to 1e+07 requests/s", "Check the unit"),
    "unknown period": _table(TABLE + ROW.replace("Q1", "Q2"), "s/d.csv:2 period: '2027-Q2'", "'2027-Q1'"),
    "included missing": _include("[no.yaml]", {}, "s/scenario.yaml:2 include.0: 'no.yaml'"),
    "included absolute": _include("[/etc/passwd]", {}, "s/scenario.yaml:2 include.0: is not a relative path"),
    "included itself": _include("[scenario.yaml]", {}, "includes itself (scenario.yaml -> scenario.yaml)"),
    "included in a circle": _include(
        "[a.yaml]",
        {"a.yaml": "include: [b.yaml]\n", "b.yaml": "include: [a.yaml]\n"},
        "s/b.yaml:1 include.0: includes itself (scenario.yaml -> a.yaml -> b.yaml -> a.yaml)",
    ),
    "included too deep": _include("[f0.yaml]", CHAIN, "s/f31.yaml:1", "32 files", "Include fewer"),
    "included and wrong": _include(
        "[a.yaml]", {"a.yaml": "margins:\n  measured: 3x\n"}, "s/a.yaml:2 margins.measured: '3x'"
    ),
    "includes not listed": _include("a.yaml", {}, "s/scenario.yaml:2 include: 'a.yaml' is not a list"),
    "catalog missing": ("name: base", "name: base\ncatalog: [no]", {}, ["s/scenario.yaml:2 catalog.0: is no folder"]),
    "unknown GPU type": _catalog(
        "mine/configs.csv", CONFIGS + CONFIG.replace("H100", "H1000"), "configs.csv:2 gpu_type: 'H1000'", "'H100'"
    ),
    "tp x ep counted": _catalog(
        "mine/configs.csv",
        CONFIGS + CONFIG.replace("1,1,1,1,1", "16,8,1,1,2"),
        "configs.csv:2 gpus_per_replica: 16 is not tensor x pipeline x data parallel = 8",
        "Expert parallelism reuses the same GPUs",
    ),
    "config twice": _catalog("mine/configs.csv", CONFIGS + CONFIG * 2, "configs.csv:3 config: repeats 'c'"),
    "configs empty": _catalog("mine/configs.csv", "", "s/models/mine/configs.csv: is empty"),
    "configs header only": _catalog("mine/configs.csv", CONFIGS, "configs.csv: has a header and no rows"),
    "point twice": _catalog(
        "mine/prefill.csv", PREFILL + "c,512,1,\nc,512,2,\n", "prefill.csv:3 config: repeats the operating point of"
    ),
    "rate and latency": _catalog("mine/prefill.csv", PREFILL + "c,512,1,1\n", "prefill.csv:2 latency_ms: is filled in"),
    "neither of them": _catalog("mine/prefill.csv", PREFILL + "c,512,,\n", "prefill.csv:2 tokens_per_s: is empty"),
    "profile empty": _catalog("mine/prefill.csv", "", "s/models/mine/prefill.csv: is empty"),
    "profile header only": _catalog("mine/prefill.csv", PREFILL, "prefill.csv: has a header and no rows"),
    "profile row too short": _catalog("mine/prefill.csv", PREFILL + "c,512\n", "prefill.csv:2: has 2 cells"),
    "profile of no config": _catalog(
        "mine/prefill.csv", PREFILL + "d,512,1,\n", "prefill.csv:2 config: 'd' is not in configs.csv"
    ),
    "evidence mixed": _catalog(
        "mine/prefill.csv",
        PREFILL.replace("\n", ",evidence,source\n") + "c,512,1,,measured,a\nc,1024,1,,modelled,b\n",
        "prefill.csv:2 evidence: mixes measured and modelled rows in one profile",
    ),
    "evidence without source": _catalog(
        "mine/prefill.csv",
        PREFILL.replace("\n", ",evidence,source\n") + "c,512,1,,measured,\n",
        "prefill.csv:2 source: is empty",
    ),
    "TPOT negative": _catalog(
        "mine/decode.csv", DECODE.replace(",8\n", ",-8\n"), "decode.csv:2 tpot_ms: -8 is out of range"
    ),
    "card incomplete": _catalog(
        "mine/card.yaml", CARD.replace("layers: 32\n", ""), "s/models/mine/card.yaml:1: has no 'layers'"
    ),
    "card misspelt": _catalog("mine/card.yaml", CARD + "layer: 3\n", "card.yaml:9 layer: unknown key", "'layers'"),
    "offer unknown": _offer("{offer: lambda-8xh100-ondemand}", f"{H100}.offer:", "'lambda-8xh100-on-demand'"),
    "offer said twice": _offer("{offer: lambda-8xh100-on-demand, kind: spot}", f"{H100}.kind: stands beside 'offer'"),
    "lead time on demand": _offer(
        "{offer: lambda-8xh100-on-demand, lead_time_months: 3}", f"{H100}.kind: has a term, an upfront price or a lead"
    ),
    "term on demand": _offer(f"{{{WRITTEN}, kind: on_demand, term_months: 12}}", "which on_demand nodes do not have"),
    "upfront on spot": _offer(f"{{{WRITTEN}, kind: spot, upfront: 10 k USD}}", "which spot nodes do not have"),
    "no term": _offer(f"{{{WRITTEN}, kind: reserved}}", f"{H100}.term_months: is missing", "reserved"),
    "no price": _offer("{node_type: 8xH100, kind: spot}", f"{H100}: has no price"),
    "price negative": _offer(f"{{{WRITTEN.replace('3', '-3')}, kind: spot}}", f"{H100}.price: '-3 USD/GPU/h' is neg"),
    "kind misspelt": _offer(f"{{{WRITTEN}, kind: on-demand}}", f"{H100}.kind: 'on-demand'", "'on_demand'"),
    "node type misspelt": _offer(
        "{node_type: 8xH10, price: 3 USD/GPU/h, kind: spot}", f"{H100}.node_type: '8xH10'", "'8xH100'"
    ),
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Puts the base scenario, with one text replaced, and other files into the folder s."""
    monkeypatch.chdir(tmp_path)

    def put(old: str = "", new: str = "", files: dict[str, str] | None = None) -> None:
        assert old in BASE
        for name, text in {"scenario.yaml": BASE.replace(old, new, 1) if old else BASE, **(files or {})}.items():
            path = tmp_path / "s" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return put


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_written(fleetopt: Run, write: Write, case: str) -> None:
    old, new, files, told = WRONG[case]
    write(old, new, files)
    answer = fleetopt("plan", "s", "-o", "out")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.count("error: ") == 1
    assert all(words in answer.stderr for words in told), answer.stderr
    assert [path.name for path in Path().iterdir()] == ["s"]


def test_what_the_wrong_ones_were_made_from_is_right(fleetopt: Run, write: Write) -> None:
    """Each case above must fail for its own edit alone."""
    write()
    assert fleetopt("plan", "s").returncode == 0
    write("llama-3.1-8b", "mine", MINE)
    assert fleetopt("plan", "s").returncode == 0
    write("10 requests/s", "{table: d.csv}", {"d.csv": TABLE + ROW})
    assert fleetopt("plan", "s").returncode == 0


@pytest.mark.parametrize("opened", ["[", "{a: ", "- "])
def test_nesting_a_hundred_thousand_deep_is_refused(fleetopt: Run, write: Write, opened: str) -> None:
    write("name: base", "", {"scenario.yaml": ("" if opened == "- " else "name: ") + opened * 100_000})
    answer = fleetopt("plan", "s", "-o", "out")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "s/scenario.yaml:1: is nested more than 32 deep" in answer.stderr
    assert not Path("out").exists()
