"""Bundles: models that share a replica group of GPUs, as the scenario file allows them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import Field

from fleetopt.documents import Document
from fleetopt.errors import Issue, did_you_mean
from fleetopt.scenario.bundling import Bundling, Spatial, Swapping
from fleetopt.scenario.fields import Bandwidth, Block, Fraction, Memory, Text

Members = Annotated[int, Field(ge=1, le=32, strict=True)]
Source = Annotated[Text, Field(max_length=300)]


class SwappingFile(Block):
    """Weights that are loaded from host memory when a request for their model comes."""

    most_models: Annotated[Members, Field(description="Models that take turns on one group of GPUs")] = 8
    host_link: Annotated[Bandwidth, Field(description="From host memory into each GPU")]
    host_memory: Annotated[
        dict[str, Memory],
        Field(min_length=1, description="By node type: memory of a node for weights; a group has its GPUs' part of it"),
    ]
    source: Annotated[Source, Field(description="Who says so")]


class SpatialFile(Block):
    """Members side by side, each on its own share of every GPU's compute (CUDA MPS), as its profiles say."""

    slowdown: Annotated[
        Fraction, Field(description="By how much all takes longer beside others than on an otherwise idle GPU")
    ] = 0.0
    source: Annotated[Source, Field(min_length=1, description="Who says so")]


class BundlesFile(Block):
    """Several models on one replica group of GPUs (MuxServe, arXiv 2404.02015); none are tried without this."""

    most_models: Annotated[Members, Field(description="Models resident on one group; 1 shares nothing")] = 3
    interference: Annotated[
        Fraction, Field(description="Of the others' decode steps, what a step lengthens by; 100 %: they take turns")
    ] = 1.0
    most_bundles: Annotated[int, Field(ge=1, le=5000, strict=True, description="Bundles that are tried")] = 400
    source: Annotated[Source, Field(description="Where the interference comes from")] = ""
    swapping: SwappingFile | None = None
    spatial: SpatialFile | None = None


def build_bundles(
    file: BundlesFile | None, node_types: Collection[str], document: Document, issues: list[Issue]
) -> Bundling | None:
    """What a scenario allows, None where it allows none; what is wrong with it is added to `issues`."""
    if file is None:
        return None
    swapping = file.swapping
    for name in swapping.host_memory if swapping is not None else ():
        if name not in node_types:
            key = ("bundles", "swapping", "host_memory", name)
            fix = did_you_mean(name, node_types)
            issues.append(document.issue("unknown-name", key, f"'{name[:60]}' is no node type here", fix))
    if file.interference < 1.0 and not file.source.strip():
        what = "is less than taking turns, and nobody is named who measured it"
        fix = "Add source: where the figure comes from, or leave interference out"
        issues.append(document.issue("bad-value", ("bundles", "interference"), what, fix))
    return Bundling(
        most_models=file.most_models,
        interference=file.interference,
        most_bundles=file.most_bundles,
        source=file.source,
        swapping=None
        if swapping is None
        else Swapping(
            swapping.most_models, swapping.host_link, tuple(sorted(swapping.host_memory.items())), swapping.source
        ),
        spatial=None if file.spatial is None else Spatial(file.spatial.slowdown, file.spatial.source),
    )
