"""Files that lie elsewhere, such as at `gs://bucket/folder`: fetched and written back.

SQLite, locks and renames need a local file system. So nothing else in the package knows
of remote files: inputs are fetched before a command starts, and an output directory is
worked on in a local copy that is written back while the command runs and at its end.

Any file system that fsspec has serves; `gs://` needs the package gcsfs (extra `gcs`).
`staging` is what a command uses.
"""
