"""Figures beside a peer or a raw limit of the same run. One file a figure; `make bench`.

Peers that the product does not need (requirements/bench.txt) live in an environment of their own;
a figure whose peer cannot be had is skipped, and says so.
"""
