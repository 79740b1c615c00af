"""What a node draws, where its nameplate is known and where it is not."""

from __future__ import annotations

from fleetopt.catalog.domain import GpuType, NodeType

NODE_OVER_GPUS = 1.9
"""A DGX draws 1.8 (H100) to 2.0 (A100) times the boards of its GPUs: host, fans, network, losses."""


def node_power_w(node: NodeType, gpu: GpuType) -> float:
    """W of a whole node: its nameplate, or 1.9 times the boards of its GPUs where nobody states one."""
    return node.power_w if node.power_w is not None else NODE_OVER_GPUS * node.gpus_per_node * gpu.power_w


def power_assumption(node: NodeType, gpu: GpuType) -> str | None:
    """The sentence that says that a node's draw is assumed, None where it is stated."""
    if node.power_w is not None:
        return None
    kw = node_power_w(node, gpu) / 1e3
    return f"{node.name} is taken to draw {kw:.3g} kW, {NODE_OVER_GPUS:g} times its GPUs' boards: nobody states it"
