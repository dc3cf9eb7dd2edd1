"""Figures beside a peer or a raw limit of the same run. One file a figure; `make bench`."""
