"""Evidence in: one small file per outside format, from what people already have to the tables of models/.

A format reads one file into a `Reading`: what it understood, what contradicts itself, and series of operating
points. Nothing here writes into a catalog before all of it has been read and judged.
"""
