"""Ground tools: local files that are read strictly and written whole.

Nobody ever sees half of a file (`atomic`). One process writes to a directory at a time
(`write_access`). A run records what it was made from (`run_record`). An error about a
JSON file names the file and what is wrong in it (`json_files`). Nothing here knows of
models, sweeps or zones.
"""
