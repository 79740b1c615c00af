from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.errors import Issue

Root = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]

CONFIG = "h200-tp8-fp8-sglang-mtp"
PREFILL = "config,input_tokens,tokens_per_s,latency_ms,evidence,source\n"
RATES = "config,role,input_tokens,output_tokens,ttft_ms,ttft_at,tpot_ms,tpot_at,rate_rps\n"
GPUS = "name,memory_gib,memory_bandwidth_gb_s,power_w,evidence,source\n"
NODES = "name,gpu_type,gpus_per_node,power_w,evidence,source\n"
OFFERS = (
    "name,node_type,kind,provider,region,usd_per_node_h,upfront_usd_per_node,"
    "term_months,lead_time_months,price_date,evidence,source\n"
)


@pytest.mark.parametrize(
    ("edit", "where", "what"),
    [
        (("configs.csv", ",8,8,1,1,", ",64,8,1,1,"), "configs.csv:3 gpus_per_replica", "64 is not tensor x pipeline"),
        (("configs.csv", ",8,8,1,1,", ",0,8,1,1,"), "configs.csv:3 gpus_per_replica", "0 is out of range"),
        (("configs.csv", ",8,8,1,1,", ",8.5,8,1,1,"), "configs.csv:3 gpus_per_replica", "not a whole number"),
        (("configs.csv", ",H200,", ",H20,"), "configs.csv:3 gpu_type", "'H20' is no GPU type"),
        (("configs.csv", ",measured,", ",guessed,"), "configs.csv:3 evidence", "'guessed' is not one of"),
        (("configs.csv", CONFIG, ""), "configs.csv:3 config", "is empty"),
        (("prefill.csv", CONFIG, "other"), "prefill.csv:3 config", "'other' is not in configs.csv"),
        (("prefill.csv", "28300,", "28300,5"), "prefill.csv:3 latency_ms", "beside tokens_per_s"),
        (("prefill.csv", "28300,", ","), "prefill.csv:3 tokens_per_s", "so is latency_ms"),
        (("prefill.csv", "28300,", "-1,"), "prefill.csv:3 tokens_per_s", "-1 is out of range"),
        (("prefill.csv", "28300,", "0,"), "prefill.csv:3 tokens_per_s", "0 is out of range"),
        (("prefill.csv", "28300,", "nan,"), "prefill.csv:3 tokens_per_s", "not a finite number"),
        (("prefill.csv", "28300,", "inf,"), "prefill.csv:3 tokens_per_s", "not a finite number"),
        (("prefill.csv", "tokens_per_s,", "tokens_per_min,"), "prefill.csv:2", "unknown column 'tokens_per_min'"),
        (("decode.csv", ",20,16.4", ",10,16.4"), "decode.csv:4 config", "repeats the operating point of line 3"),
        (("decode.csv", ",10,12.8", ",-10,12.8"), "decode.csv:3 batch", "-10 is out of range"),
        (("card.yaml", "parameters_b: 671", "parameters_b: .nan"), "card.yaml:2 parameters_b", "'nan' is not"),
        (("card.yaml", "layers: 61", "layers: many"), "card.yaml:4 layers", "'many' is not"),
        (("card.yaml", "kv_replicated_per_gpu: true", "kv_replicated_per_gpu: 1"), "kv_replicated_per_gpu", "true or"),
        (("card.yaml", "parameters_b: 671", "parameters_b: 671\nhue: 1"), "card.yaml:3 hue", "unknown key"),
    ],
)
def test_a_bad_cell_is_named_with_its_line(
    root: Root, issues: Find, edit: tuple[str, str, str], where: str, what: str
) -> None:
    found = [issue for issue in issues(root((f"mine/{edit[0]}", *edit[1:]))) if what in issue.what]
    assert len(found) == 1
    assert found[0].where.endswith(where)
    assert found[0].where.startswith("mine/")
    assert found[0].fix


@pytest.mark.parametrize(
    ("share", "what"),
    [
        ("0", "0 is out of range"),
        ("-0.5", "-0.5 is out of range"),
        ("50", "50 is more than a whole GPU"),
        ("1.01", "1.01 is more than a whole GPU"),
        ("50 %", "'50 %' is not a finite number"),
        ("nan", "not a finite number"),
        ("1e-320", "out of range"),
    ],
)
def test_a_share_of_a_gpu_is_a_fraction_of_it(root: Root, issues: Find, share: str, what: str) -> None:
    """Proves that a percentage, nothing and more than all of a GPU are refused at their cell."""
    edits = (("mine/configs.csv", "evidence,source", "evidence,source,gpu_share"),)
    line = (root() / "mine/configs.csv").read_text(encoding="utf-8").splitlines()[-1]
    (found,) = issues(root(*edits, ("mine/configs.csv", line, f"{line},{share}")))
    assert (found.where, what in found.what) == ("mine/configs.csv:3 gpu_share", True)
    assert found.fix


@pytest.mark.parametrize(("share", "read"), [("", 1.0), ("1", 1.0), ("0.35", 0.35)])
def test_a_share_is_all_of_a_gpu_unless_stated(root: Root, share: str, read: float) -> None:
    """Proves the way of the column into the config."""
    line = (root() / "mine/configs.csv").read_text(encoding="utf-8").splitlines()[-1]
    edits = (("mine/configs.csv", "evidence,source", "evidence,source,gpu_share"),)
    folder = root(*edits, ("mine/configs.csv", line, f"{line},{share}"))
    roots = (folder, shipped("models"))
    llm, _ = load_model("mine", roots, load_hardware(roots)[0].gpu_types)
    assert {one.config.gpu_share for one in llm.candidates} == {read}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("configs.csv", "\n", ("mine/configs.csv", "is empty")),
        ("prefill.csv", PREFILL, ("mine/prefill.csv", "no rows")),
        (
            "prefill.csv",
            PREFILL + f"{CONFIG},6144,100,,measured,us\n{CONFIG},8000,90,,modelled,them\n",
            ("mine/prefill.csv:2 evidence", "mixes measured and modelled"),
        ),
        (
            "prefill.csv",
            PREFILL + f"{CONFIG},6144,100,,,\n{CONFIG},6144,,5,,\n",
            ("mine/prefill.csv:3 config", "repeats the operating point of line 2"),
        ),
        (
            "rates.csv",
            RATES + f"{CONFIG},prefil,1,1,1,,1,,1\n",
            ("mine/rates.csv:2 role", "'prefil' is not one of"),
        ),
        (
            "rates.csv",
            RATES + f"{CONFIG},aggregated,1,1,1,p101,1,,1\n",
            ("mine/rates.csv:2 ttft_at", "p101"),
        ),
        (
            "rates.csv",
            RATES + f"{CONFIG},prefill,1,1,1,,1,,1\n",
            ("mine/rates.csv:2 config", "in role prefill a second time"),
        ),
        ("card.yaml", "- a\n", ("mine/card.yaml:1", "has no 'title'")),
        ("../_hardware/gpu_types.csv", GPUS + "H9,-1,1,1,measured,s\n", ("gpu_types.csv:2 memory_gib", "out of range")),
        (
            "../_hardware/gpu_types.csv",
            GPUS + "H9,1,1,1,measured,s\n" * 2,
            ("gpu_types.csv:3 name", "repeats 'H9' of line 2"),
        ),
        ("../_hardware/node_types.csv", NODES + "n,H9,8,,measured,s\n", ("node_types.csv:2 gpu_type", "'H9' does not")),
        ("../_hardware/node_types.csv", NODES + "n,H200,0,,measured,s\n", ("node_types.csv:2 gpus_per_node", "0 is")),
        (
            "../_hardware/offers.csv",
            OFFERS + "o,n9,spot,p,r,1,0,,0,2026-01-01,measured,s\n",
            ("offers.csv:2 node_type", "'n9' does not exist"),
        ),
        (
            "../_hardware/offers.csv",
            OFFERS + "o,8xH200,rent,p,r,1,0,,0,2026-01-01,measured,s\n",
            ("offers.csv:2 kind", "'rent' is not one of"),
        ),
        (
            "../_hardware/offers.csv",
            OFFERS + "o,8xH200,spot,p,r,-1,0,,0,2026-01-01,measured,s\n",
            ("offers.csv:2 usd_per_node_h", "-1 is out of range"),
        ),
        (
            "../_hardware/offers.csv",
            OFFERS + "o,8xH200,spot,p,r,1,0,12,0,2026-01-01,measured,s\n",
            ("offers.csv:2 kind", "has a term"),
        ),
        (
            "../_hardware/offers.csv",
            OFFERS + "o,8xH200,reserved,p,r,1,0,,0,2026-01-01,measured,s\n",
            ("offers.csv:2 term_months", "is missing"),
        ),
    ],
)
def test_a_bad_table_is_named_with_its_line(
    root: Root, issues: Find, name: str, text: str, told: tuple[str, str]
) -> None:
    found = [issue for issue in issues(root((f"mine/{name}", None, text))) if told[1] in issue.what]
    assert len(found) == 1
    assert found[0].where.endswith(told[0])
    assert found[0].fix


def test_a_model_without_profiles_is_named(root: Root, issues: Find) -> None:
    folder = root()
    (folder / "mine/prefill.csv").unlink()
    (folder / "mine/decode.csv").unlink()
    (found,) = issues(folder)
    assert found.code == "missing-profile"
    assert "prefill.csv" in found.fix


def test_a_model_without_configs_is_named(root: Root, issues: Find) -> None:
    folder = root()
    (folder / "mine/configs.csv").unlink()
    (found,) = issues(folder)
    assert (found.where, found.what) == ("mine/configs.csv", "does not exist")


def test_every_problem_of_a_card_is_told(root: Root, issues: Find) -> None:
    found = issues(root(("mine/card.yaml", None, "title: x\nlayers: -1\n")))
    assert len(found) == 7
    assert {issue.code for issue in found} == {"missing-key", "bad-value"}
