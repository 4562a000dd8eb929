"""Fetching what is published: over HTTP, checked, unpacked, continued after a cut.

`downloads` is what a command uses: the known data sets and models, by name.
"""
