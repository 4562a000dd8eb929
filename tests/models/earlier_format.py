"""Model directories as versions before `graph_version` wrote them."""

import json


def write_format_1(model, directory):
    """Writes a model directory whose SavedModel says no version, in format 1."""
    model.save(directory)
    lower_format(directory)
    write_graph_1(model, directory / "1")


def lower_format(directory):
    """Makes a description say format 1."""
    path = directory / "zonekeras.json"
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | {"format": 1}), "utf-8")


def write_graph_1(model, directory):
    """Writes a SavedModel that lacks `graph_version`."""
    from zonekeras.models.saved_model import ReaderModule, write_saved_model

    module = ReaderModule(model.network.reader)
    del module.graph_version
    write_saved_model(module, directory)
