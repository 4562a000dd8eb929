"""Stores of sweeps made by hand: three passages, one of them hostile."""

from zonekeras.data.squad import Answer, Passage, Question, SquadDataset
from zonekeras.store.sweep_store import STORE_FILE, StoredAnswer, SweepStore
from zonekeras.tasks import span
from zonekeras.tasks.task import stored_data

HOSTILE = (
    "</script><script>window.harmed = 1</script><img src=x onerror='window.harmed=1'>"
    " <!-- & \u2028 \u2029 $title ${data} it was Ann who wrote it"
)
PASSAGES = ("Ann met Bob in Rome.", "😀😀 Cleo sailed north in May.", HOSTILE)
DATASET = SquadDataset(
    "dev.json",
    (
        Passage(
            "People",
            PASSAGES[0],
            (
                Question("a", "Who met Bob?", (Answer("Ann", 0), Answer("Ann", 0))),
                Question("b", "Where did Ann meet Bob?", (Answer("Rome", 15),)),
            ),
        ),
        Passage("Sea", PASSAGES[1], (Question("c", "When?", (Answer("May", 24),)),)),
        Passage(
            HOSTILE,
            HOSTILE,
            (Question("d", HOSTILE, (Answer("Ann", HOSTILE.index("Ann")),)),),
        ),
    ),
    has_impossible=False,
    num_mismatched_answers=0,
    num_skipped=0,
)
SETTINGS = {
    "semantics": "strict",
    "version_2_with_negative": False,
    "null_score_diff_threshold": 0.0,
    "max_seq_length": 29,
}


def answer(passage, text):
    """An answer that stands in a passage, or, if it does not, from nowhere."""
    start = PASSAGES[passage].find(text) if text else -1
    end = start + len(text) if start >= 0 else -1
    return StoredAnswer(text, start, end, 1.0, 0.0, -1.0)


def answers(first="Ann", second="Rome", third="north", fourth="Ann"):
    """Answers to the four questions; the baseline's but for what is given."""
    texts = [(0, first), (0, second), (1, third), (2, fourth)]
    return [answer(passage, text) for passage, text in texts]


FOUND = {
    "baseline": answers(),
    "layer0:q2": answers(third="May"),
    "layer1:p2q": answers(first="Ann met", second="Bob", fourth=HOSTILE[:9]),
    "layer0.head1:p2": answers(fourth="no such words"),
}


def write_store(
    directory,
    found=None,
    weights="w",
    planned=None,
    dataset=DATASET,
    num_layers=2,
    settings=SETTINGS,
    precision="float32",
):
    """Writes a store with one finished run more, and returns the run's key."""
    found = FOUND if found is None else found
    directory.mkdir(exist_ok=True, parents=True)
    content = {
        "weights": weights,
        "tokenizer": "t",
        "data": dataset.fingerprint,
        "precision": precision,
        "backend": "tensorflow",
        "settings": settings,
    }
    description = {
        "model": "reader",
        "metric": "squad",
        "num_layers": num_layers,
        "planned": list(FOUND) if planned is None else planned,
    }
    with SweepStore(directory / STORE_FILE) as store:
        run = store.run(content, stored_data(span, dataset), description)
        for name, stored in found.items():
            store.put(run, name, stored)
        return store.key(run)
