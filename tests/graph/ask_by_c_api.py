"""Runs every signature of a SavedModel in a process without TensorFlow's Python.

Usage: ask_by_c_api.py SAVED_MODEL REQUESTS.pickle ANSWERS.pickle

The requests are a list of (signature, inputs). They are run once one after the other,
and once by eight threads that each run all of them, in a different order; the two
lists of outputs are written.
"""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.graph.c_api import CSession, text_op_libraries

NUM_THREADS = 8


def main(saved_model, requests_file, answers_file):
    """Runs the requests."""
    requests = pickle.loads(Path(requests_file).read_bytes())
    session = CSession(saved_model, text_op_libraries())

    def run_from(first):
        order = [*range(first, len(requests)), *range(first)]
        outputs = {}
        for place in order:
            signature, inputs = requests[place]
            outputs[place] = session.run(signature, **inputs)
        return [outputs[place] for place in range(len(requests))]

    alone = run_from(0)
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        starts = [
            number * len(requests) // NUM_THREADS for number in range(NUM_THREADS)
        ]
        at_once = list(pool.map(run_from, starts))
    assert not {"tensorflow", "keras"} & set(sys.modules)
    Path(answers_file).write_bytes(pickle.dumps((alone, at_once)))


if __name__ == "__main__":
    main(*sys.argv[1:])
