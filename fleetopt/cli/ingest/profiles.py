"""fleetopt ingest profiles: what benchmarks and profilers found, into the profiles of a catalog folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleetopt.cli.ingest import told as options

NAME = "profiles"
BRIEF = "Take in benchmark and profiler results."


def run(
    files: Annotated[list[Path], typer.Argument(help="Result files of benchmarks or profilers.")],
    model: options.Model = None,
    folder: options.Folder = None,
    format_: options.Format = None,
    role: options.Role = None,
    modelled: options.Modelled = False,
    gpu_type: options.GpuType = None,
    gpus: options.Gpus = None,
    tp: options.TensorParallel = None,
    pp: options.PipelineParallel = None,
    dp: options.DataParallel = None,
    ep: options.ExpertParallel = None,
    precision: options.Precision = None,
    engine: options.Engine = None,
    max_kv_tokens: Annotated[float | None, typer.Option(help="KV memory of the replica in tokens.")] = None,
    config: Annotated[str | None, typer.Option(help="The config's id, instead of one made from the facts.")] = None,
    from_card: options.FromCard = None,
    copy: options.Copy = False,
    replace: options.Replace = False,
    dry_run: options.DryRun = False,
    json_: options.Json = False,
) -> None:
    """Read result files and merge their operating points into a model's profiles.

    vLLM, SGLang, GuideLLM, AIPerf, genai-perf, AIConfigurator, Dynamo, llm-inferno, Splitwise, DistServe, or a table
    of your own (docs/ingest-formats.md). What a file does not say is asked for, all at once. Importing the same file
    again changes nothing. For example:

        fleetopt ingest profiles run.json --model llama-3.1-8b --gpu-type H100 --gpus 2 --precision fp8 --engine vllm
    """
    from fleetopt.cli.ingest.merging import Merging, merge_and_show
    from fleetopt.ingest.filing import catalog_folder
    from fleetopt.ingest.formats import read_profiles
    from fleetopt.ingest.reading import Setup, Told

    target = catalog_folder(folder)
    setup = Setup(None, config, gpu_type, gpus, tp, pp, dp, ep, precision, engine, max_kv_tokens)
    told = Told(setup, role.value if role else None, modelled)
    readings = [read_profiles(path, told, format_) for path in dict.fromkeys(files)]
    merge_and_show(readings, told, Merging(target, model or (), from_card, copy, replace, dry_run, json_))
