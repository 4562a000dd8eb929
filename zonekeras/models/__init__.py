"""Readers: the zone encoder, its span head, and loading them from any source.

`zonekeras.load` gives a `ZoneModel`. Nothing here needs TensorFlow except
`saved_model` and `tf1_checkpoint`, which import it when they are used.
"""
