"""Settings, file names and helpers that the tests of whole sweeps share."""

SETTINGS = {"max_seq_length": 29, "doc_stride": 7, "token_budget": 150}
ZONES = ["all", "q2", "q2p", "p2q", "p2"]
CELLS = [f"layer{layer}:{zone}" for layer in range(3) for zone in ZONES]
TABLES = {"results.csv", "results.parquet", "heatmap.pdf", "heatmap.png"}


def results(directory):
    """Returns what a sweep left, by name: what has to be the same in every run."""
    return {
        path.name: path.read_bytes()
        for path in directory.iterdir()
        if path.name not in ("sweep.sqlite", "run.json", ".sweep.lock")
    }


def count_calls(monkeypatch):
    """Lists the batches that are run: what is masked, how many windows, how long."""
    from zonekeras.sweeping.batch_runner import BatchRunner

    calls = []
    logits = BatchRunner.logits

    def counted(self, batch, configurations, *more):
        names = list(map(str, configurations))
        calls.append((names, len(batch.windows), batch.length))
        return logits(self, batch, configurations, *more)

    monkeypatch.setattr(BatchRunner, "logits", counted)
    return calls
