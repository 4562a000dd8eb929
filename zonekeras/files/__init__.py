"""Ground tools: local files that are read strictly and written whole.

Nobody ever sees half of a file (`atomic`), one process writes to a directory at a time
(`write_access`), a run leaves what it was made from (`run_record`), and a wrong JSON
file is named with what is wrong in it (`json_files`). Nothing here knows of models,
sweeps or zones.
"""
