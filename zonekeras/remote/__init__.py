"""Files that lie elsewhere, such as at `gs://bucket/folder`: fetched and written back.

SQLite, locks and renames need a local file system. So nothing else in the package knows
of remote files. Inputs are fetched before a command starts. A command works in a local
copy of its output directory, which is written back while it runs and when it ends.

Every file system of fsspec will do; `gs://` needs the package gcsfs (extra `gcs`).
Commands use `staging`.
"""
