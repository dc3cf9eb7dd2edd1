"""Schools' tables: recorded once on a template, replayed for every school (docs/adr/0009)."""
