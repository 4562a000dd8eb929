"""Readers: the zone encoder, its span head, and loading them from any source.

`zonekeras.load` gives a `ZoneModel`. Only `saved_model`, `signatures`, `id_ranges` and
`tf1_checkpoint` need TensorFlow; nothing imports them before they are used.
"""
