"""Bundles as columns: which models are tried together on a group of GPUs, at which rates, and what they become.

`growth` grows sets of workloads on one shape of group, `choice` keeps what is worth a column, and `columns` makes
options of it that stand in the program beside those of dedicated replicas.
"""
