"""Stores of classified texts made by hand: pairs or single texts, one hostile."""

from tests.reporting.stores import HOSTILE, SETTINGS
from zonekeras.data.labelled_texts import LabelledText, LabelledTexts
from zonekeras.store.sweep_store import STORE_FILE, StoredAnswer, SweepStore
from zonekeras.tasks import classification
from zonekeras.tasks.task import stored_data

LABELS = ["no", "maybe", "yes"]
GOLD = ["no", "maybe", "no", "yes", "maybe"]


def dataset_of(pairs=True):
    """Five items, the first two with the same first text; gold by name and index."""
    firsts = ["It rains.", "It rains.", "Ann sings.", HOSTILE, "Bob sleeps."]
    seconds = ["It is dry.", "Ann is wet.", "Nobody sings.", "It is.", HOSTILE]
    texts = [
        LabelledText(
            f"t{row}",
            first if pairs else second,
            second if pairs else None,
            LABELS.index(gold) if row % 2 else gold,
        )
        for row, (first, second, gold) in enumerate(
            zip(firsts, seconds, GOLD, strict=True)
        )
    ]
    return LabelledTexts("pairs.jsonl", tuple(texts))


def answers(*labels):
    """Answers, each the likelier the later it stands."""
    return [
        StoredAnswer(label, -1, -1, -1.0 / (row + 1), 0.0, 0.0)
        for row, label in enumerate(labels)
    ]


FOUND = {
    "baseline": answers("no", "maybe", "no", "no", "maybe"),
    "layer0:p2": answers("no", "maybe", "yes", "yes", "maybe"),
    "layer1:p2": answers("no", "maybe", "no", "no", "maybe"),
    "layer0:cls2p": answers("maybe", "no", "no", "no", "yes"),
    "layer1:cls2p": answers("no", "no", "no", "no", "no"),
}


def write_text_store(directory, pairs=True, found=None, weights="w"):
    """Writes a store with one finished run of classification."""
    found = FOUND if found is None else found
    dataset = dataset_of(pairs)
    directory.mkdir(exist_ok=True, parents=True)
    content = {
        "weights": weights,
        "tokenizer": "t",
        "data": dataset.fingerprint,
        "precision": "float32",
        "backend": "tensorflow",
        "task": "classification",
        "settings": {
            "semantics": SETTINGS["semantics"],
            "max_seq_length": SETTINGS["max_seq_length"],
            "labels": LABELS,
        },
    }
    description = {
        "model": "classifier",
        "metric": "accuracy",
        "num_layers": 2,
        "planned": list(FOUND),
    }
    with SweepStore(directory / STORE_FILE) as store:
        run = store.run(content, stored_data(classification, dataset), description)
        for name, stored in found.items():
            store.put(run, name, stored)
        return store.key(run)
