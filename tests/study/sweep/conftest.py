"""A scenario folder whose text can be changed, for sweeps that take moments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

TEXT = """\
name: sweeps
calendar:
  start: 2027-Q1
  slots: {night: 8 h, day: 16 h}
workloads:
  chat:
    model: llama-3.1-8b
    demand: {base: 40 requests/s, slots: {night: 30 %}}
    input_tokens: 1000
    output_tokens: 500
    slo: {ttft: 2 s at p90, tpot: 30 ms}
  search:
    model: llama-3.1-8b
    demand: 20 requests/s
    input_tokens: 3000
    output_tokens: 100
    slo: {ttft: 3 s, tpot: 30 ms}
supply:
  offers:
    h100: {offer: nebius-8xh100-on-demand-eu-north1}
    b200: {node_type: 8xB200, kind: on_demand, price: 44 USD/node/h, source: test}
    buy: {offer: purchase-8xh100}
  quotas:
    b200: {gpu_type: B200, max_gpus: 16}
"""

Write = Callable[..., Path]


@pytest.fixture
def scenario(tmp_path: Path) -> Write:
    """Writes the scenario with texts replaced by others, and says where: `scenario({"40": "80"})`."""

    def write(changes: dict[str, str] | None = None, folder: str = "scenario") -> Path:
        text = TEXT
        for old, new in (changes or {}).items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "scenario.yaml").write_text(text, encoding="utf-8")
        return tmp_path / folder

    return write
