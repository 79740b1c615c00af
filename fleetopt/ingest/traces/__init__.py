"""Workloads out of request traces: one small file per trace format, one per thing that is worked out.

A format turns a file into a stream of `Chunk`s (or, where only rates are published, into `Rates`). Chunks are added
up per model as they pass, so that memory grows with the arrival times alone: 16 bytes a request.
"""
