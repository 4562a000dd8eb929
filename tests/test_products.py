"""No product that TensorFlow runs broadcasts: every family, by every route.

On CPUs where oneDNN takes its AVX-512 kernels, one that does corrupts memory. See
`tests/products.py`, whose own tests come first.
"""

import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.backends import gradients
from tests.builders import (
    READING,
    tiny_classifier,
    tiny_model,
    tiny_squad,
    tiny_weights,
    write_json,
)

tf = pytest.importorskip("tensorflow", reason="the products are TensorFlow's")
if keras.backend.backend() != "tensorflow":
    pytest.skip("the products are TensorFlow's", allow_module_level=True)

from tests.labelled_texts import tiny_texts, write_lines  # noqa: E402
from tests.products import REPOSITORY, watched_copy, watched_products  # noqa: E402
from zonekeras.graph.options import AnswerOptions, ExportOptions  # noqa: E402
from zonekeras.layers import MaskedMultiHeadAttention, ZoneBlock  # noqa: E402
from zonekeras.zones import parse_configuration  # noqa: E402

# Batch, tokens, layers, heads, head width, roles: no two are equal.
B, T, L, N, H, R = 4, 11, 2, 3, 7, 5
D = N * H
SIZES = {"num_heads": N, "hidden_dim": D, "embedding_dim": D, "block_of_layer": (0, 1)}
FAMILIES = {
    "bert": {},
    "roberta": {"family": "roberta", "num_segments": 0, "activation": "relu"},
    "xlm-roberta": {"family": "xlm-roberta", "num_segments": 0, "activation": "gelu"},
    "electra": {"family": "electra", "embedding_dim": 9, "project_embeddings": True},
    "distilbert": {"family": "distilbert", "num_segments": 0},
    "albert": {
        "family": "albert",
        "embedding_dim": 9,
        "project_embeddings": True,
        "block_of_layer": (0, 0),
    },
    "one head": {"num_heads": 1},
    "a table for each head": {"per_head_tables": True},
}
SETTINGS = {"max_seq_length": 29, "doc_stride": 7, "token_budget": 150}


# The guard itself


def broadcast_rows(left):
    return tf.matmul(left, tf.ones([1, 1, R, R]))


def broadcast_rank(left):
    return tf.matmul(left, tf.ones([R, N]))


def equal(left):
    return tf.matmul(left, tf.ones([B, N, R, H]))


def of_einsum(left):
    return tf.einsum("bntr,rg->bntg", left, tf.ones([R, N]))


def of_loop(left):
    def step(number, total):
        return number + 1, total + tf.reduce_sum(broadcast_rows(left))

    return tf.while_loop(lambda number, _: number < 3, step, (0, 0.0))[1]


@tf.custom_gradient
def broadcast_gradient(left):
    return equal(left), lambda upstream: broadcast_rows(left)


def run_eagerly(function):
    return function(tf.ones([B, N, T, R]))


def run_free(function):
    """In a graph that does not know the shapes."""
    signature = [tf.TensorSpec([None] * 4, tf.float32)]
    return tf.function(function, signature, autograph=False)(tf.ones([B, N, T, R]))


def differentiated(function):
    def gradient(left):
        with tf.GradientTape() as tape:
            tape.watch(left)
            result = tf.reduce_sum(function(left))
        return tape.gradient(result, left)

    return gradient


BROADCASTING = {
    "other batch": (broadcast_rows, r"\[4, 3, 11, 5\] and \[1, 1, 5, 5\]"),
    "other rank": (broadcast_rank, r"BatchMatMulV2 of \[4, 3, 11, 5\] and \[5, 3\]"),
    "einsum": (of_einsum, r"Einsum of \[4, 3, 11, 5\] and \[5, 3\]: test_products.py:"),
    "loop": (of_loop, r"\[4, 3, 11, 5\] and \[1, 1, 5, 5\]: test_products.py"),
    "gradient": (differentiated(broadcast_gradient), r"\[1, 1, 5, 5\]"),
}


@pytest.mark.parametrize("run", [run_eagerly, run_free])
@pytest.mark.parametrize("name", BROADCASTING)
def test_a_broadcast_product_is_caught(name, run):
    function, message = BROADCASTING[name]
    with pytest.raises(AssertionError, match=message), watched_products():
        run(function)


def test_the_gradient_of_a_graph_is_seen():
    """The tape is around the graph, and TensorFlow makes the graph's gradient."""
    free = tf.function(
        broadcast_gradient, input_signature=[tf.TensorSpec([None] * 4)], autograph=False
    )
    with pytest.raises(AssertionError, match=r"1 others.\n.*and \[1, 1, 5, 5\]"):
        with watched_products() as products:
            run_eagerly(differentiated(free))
    assert len(products.seen) == 2


@pytest.mark.parametrize("run", [run_eagerly, run_free])
@pytest.mark.parametrize("function", [equal, differentiated(equal)])
def test_equal_products_pass_and_are_counted(run, function):
    with watched_products() as products:
        for _ in range(3):
            run(function)
    assert products.seen.total() == 3 * (1 if function is equal else 3)
    assert not products.broadcast


def test_a_thread_is_watched():
    import threading

    with pytest.raises(AssertionError, match="Received: 1 others"), watched_products():
        thread = threading.Thread(target=run_eagerly, args=[broadcast_rows])
        thread.start()
        thread.join()


def test_seeing_nothing_is_a_failure():
    with pytest.raises(AssertionError, match="none ran"), watched_products():
        tf.matmul(tf.ones([2, 3]), tf.ones([3, 2]))


def test_a_function_that_was_traced_outside_is_a_failure():
    function = tf.function(lambda left: equal(left), autograph=False)
    run_eagerly(function)
    outer = tf.function(lambda left: function(left), autograph=False)
    for run in (function, outer):
        with pytest.raises(AssertionError, match="traced outside: __inference_"):
            with watched_products():
                run_eagerly(run)


@pytest.mark.parametrize("name", ["other batch", "other rank", "loop", "equal"])
def test_a_written_product_is_caught(name, tmp_path):
    function, message = BROADCASTING.get(name, (equal, None))
    module = tf.Module()
    signature = [tf.TensorSpec([None] * 4, tf.float32)]
    module.run = tf.function(function, signature, autograph=False)
    tf.saved_model.save(module, str(tmp_path / "written"))
    functions = watched_copy(tmp_path / "written", tmp_path / "copy")
    assert len(functions) == 1
    loaded = tf.saved_model.load(str(tmp_path / "copy"))
    if message is None:
        with watched_products() as products:
            run_eagerly(loaded.run)
        assert products.seen.total() == 1
    else:
        with pytest.raises(AssertionError, match=message.split(":")[0]):
            with watched_products():
                run_eagerly(loaded.run)


# What runs in memory


def numpy_inputs(batch, length=T, seed=0):
    generator = np.random.default_rng(seed)
    return {
        "token_ids": generator.integers(5, 47, (batch, length)).astype(np.int32),
        "segment_ids": generator.integers(0, 2, (batch, length)).astype(np.int32),
        "roles": generator.integers(0, R, (batch, length)).astype(np.int32),
    }


def model_of(name, precision="float32"):
    """A tiny reader of a family, in a precision."""
    from zonekeras.models.network import KerasNetwork
    from zonekeras.models.weights import build_reader
    from zonekeras.models.zone_model import ZoneModel

    sizes = SIZES | FAMILIES[name]
    model = tiny_model(**sizes)
    if precision != "float32":
        config, weights = tiny_weights(**sizes)
        model = ZoneModel(
            KerasNetwork(build_reader(config, weights, dtype=precision)),
            model.tokenizer,
            replace(model.description, precision=precision),
        )
    return model


def open_gates(*shape):
    return np.broadcast_to(parse_configuration("").tables(1, 1)[0, 0], (*shape, R, R))


def run_pieces(network, inputs, layers=range(L)):
    """Runs what sweeps are made of, with tables of all shapes that they have."""
    batch, length = inputs["roles"].shape
    roles, heads = inputs["roles"], network.num_heads
    hidden = network.embed(inputs)
    rows = np.tile(np.arange(2 * length, dtype=np.int32) % length, (batch, 1))
    for layer in layers:
        for shape in ((1, 1), (batch, 1), (1, heads), (batch, heads)):
            network.run_layer(layer, hidden, roles, open_gates(*shape))
            network.layer_attention(layer, hidden, roles, open_gates(*shape))
        for num_heads in {1, heads}:
            chosen = {"roles": roles, "rows": rows, "gate_rows": rows % 7}
            gates = open_gates(1, num_heads)[:, :, [0, 1, 2, 3, 4, 2, 3]]
            network.run_rows(layer, hidden, chosen | {"gates": gates})
    network.head(hidden, roles)


# Two differ from `roberta` in the activation alone, where there is no product; like all
# of them they run eagerly below.
@pytest.mark.parametrize(
    "name", [name for name in FAMILIES if name not in ("xlm-roberta", "distilbert")]
)
def test_loaded_models(name):
    with watched_products() as products:
        model = model_of(name)
        for batch in (B, 1):
            inputs = numpy_inputs(batch)
            for mask in ("", "layer1:p2q", "layer1.head0:p2q"):
                with model.masked(mask):
                    model.predict_logits(inputs)
            run_pieces(model.network, inputs, [1])
        model.answer("which city?", "the river flows north past the town", **READING)
    assert not products.broadcast


@pytest.mark.parametrize("pooling", ["cls_dense_gelu", "mean"])
def test_classifiers(pooling):
    with watched_products() as products:
        model = tiny_classifier(pooling=pooling, **SIZES)
        for batch in (B, 1):
            inputs = numpy_inputs(batch)
            model.predict_logits(inputs)
            run_pieces(model.network, inputs, [1])
    assert not products.broadcast
    assert products.seen.total() > 3 * 2 * L


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("batch", [B, 1])
def test_eager_models_and_their_gradients(name, batch):
    with watched_products() as products:
        reader = model_of(name).network.reader
        tables = open_gates(batch, L, reader.config.num_heads)
        for more in ({}, {"zone_tables": tables}):
            with tf.GradientTape() as tape:
                logits = reader({**numpy_inputs(batch), **more}, training=True)
            tape.gradient(logits, reader.trainable_variables)
    assert products.seen.total() > 3 * 2 * L


@pytest.mark.parametrize("batch", [B, 1])
@pytest.mark.parametrize("per_head_tables", [False, True])
def test_layers_alone(batch, per_head_tables):
    inputs = numpy_inputs(batch)
    hidden = np.random.default_rng(1).normal(size=(batch, T, D)).astype("float32")
    other = {"key": hidden[:, 4:], "value": hidden[:, 4:]}
    other["key_roles"] = inputs["roles"][:, 4:]

    def gradient(layer, **more):
        def run(hidden):
            return keras.ops.sum(layer(hidden, roles=inputs["roles"], **more) ** 2)

        gradients(run, layer.trainable_variables, hidden)

    with watched_products() as products:
        attention = MaskedMultiHeadAttention(
            N, H, per_head_tables=per_head_tables, dropout=0.1
        )
        attention(hidden, roles=inputs["roles"], return_attention_scores=True)
        block = ZoneBlock(
            num_heads=N,
            hidden_dim=D,
            intermediate_dim=19,
            activation="gelu",
            layer_norm_epsilon=1e-3,
            dropout=0.1,
            attention_dropout=0.1,
            per_head_tables=per_head_tables,
            num_tables=2,
        )
        for table in (None, open_gates(batch, 1), open_gates(1, N)):
            gradient(attention, zone_table=table, training=True)
            gradient(attention, zone_table=table, **other)
            gradient(block, zone_table=table, table_index=1)
    assert products.seen.total() > 3 * 9


# What commands run


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    return write_json(tmp_path_factory.mktemp("dev") / "dev.json", tiny_squad())


def sweep_all(model, dev, **more):
    """Cells, heads, several layers at once, controls, attention."""
    from zonekeras.sweeping import run_sweep
    from zonekeras.zones import cells

    heads = ["layer0.head2:p2q", "layer1.head0:all", "layers0-1:p2", "layer0:only-p2"]
    result = run_sweep(
        model,
        dev,
        configurations=[*map(str, cells(L)), *heads],
        attention_questions=2,
        **SETTINGS | more,
    )
    assert result.attention is not None


@pytest.mark.parametrize(
    ("name", "precision"),
    [("bert", "float32"), ("a table for each head", "mixed_bfloat16")],
)
def test_sweeps(name, precision, dev):
    with watched_products() as products:
        sweep_all(model_of(name, precision), dev, controls=1)
    assert products.seen.total() > 100


def test_a_published_sweep_of_one_shape(dev):
    with watched_products():
        model = model_of("albert")
        sweep_all(model, dev, semantics="published", fixed_shapes=True)


@pytest.mark.filterwarnings("ignore:the rank correlation of")
@pytest.mark.parametrize(
    ("name", "exact"), [("bert", {"exact": 3, "exact_heads": 3}), ("one head", {})]
)
def test_gradient_estimates(name, exact, dev):
    from zonekeras.gradients import run_gradients

    with watched_products() as products:
        chosen = {"exact": 0, "exact_heads": 0, "steps": 2, **exact}
        run_gradients(model_of(name), dev, **chosen, **SETTINGS)
    assert any(
        "gradients/partly_closed_attention.py" in place for place in products.places
    )


def train(model, dev, **more):
    from zonekeras.training import finetune

    finetune(
        model,
        dev,
        dev,
        max_seq_length=29,
        doc_stride=7,
        train_batch_size=6,
        num_train_epochs=1,
        dropout=0.1,
        **more,
    )


@pytest.mark.parametrize(
    ("name", "parts", "precision"),
    [("bert", 1, "float32"), ("albert", 2, "mixed_bfloat16")],
)
def test_training(name, parts, precision, dev):
    with watched_products() as products:
        train(
            model_of(name), dev, gradient_accumulation_steps=parts, precision=precision
        )
    assert any("gradient_tape" in place for place in products.places)


@pytest.mark.parametrize("pooling", ["cls_dense_tanh", "mean"])
def test_training_of_classifiers(pooling, tmp_path):
    from zonekeras.training import finetune

    path = write_lines(tmp_path / "train.jsonl", tiny_texts(num=7))
    with watched_products() as products:
        finetune(
            tiny_classifier(pooling=pooling, **SIZES),
            path,
            path,
            max_seq_length=29,
            train_batch_size=3,
            num_train_epochs=1,
            dropout=0.1,
            focal_gamma=1.0,
        )
    assert any("gradient_tape" in place for place in products.places)
    assert not products.broadcast


def test_planted_models():
    from zonekeras.verification.verification_run import chosen_cases, run_case

    with watched_products():
        assert run_case(chosen_cases(quick=True)[0]).holds


# What is exported


@pytest.fixture(scope="module", params=["bert", "a table for each head"])
def export(request, tmp_path_factory):
    """A model directory whose products are recorded, and the functions with any."""
    folder = tmp_path_factory.mktemp("export")
    answer = AnswerOptions(**READING) if request.param == "bert" else None
    options = ExportOptions(answer, (0, 1), stateful=True)
    model_of(request.param).export(folder / "source", options)
    return folder / "copy", watched_copy(folder / "source", folder / "copy")


def signature_inputs(inputs, num_tables):
    """What to ask each signature."""
    batch = len(inputs["roles"])
    ids = {name: tf.constant(values) for name, values in inputs.items()}
    tables = ids | {"zone_tables": tf.constant(open_gates(batch, L, num_tables))}
    names = "question", "passage", "mask"
    texts = "which city?", "the river flows north past old town " * 9, "layer1:p2q"
    rows = {
        name: tf.constant([text] * batch)
        for name, text in zip(names, texts, strict=True)
    }
    return {
        "serving_default": tables,
        "attention": tables,
        "logits": ids,
        "answer": rows,
        "set_mask": {"mask": rows["mask"]},
        "get_mask": {"row": tf.zeros([batch], tf.int32)},
    }


def test_all_that_an_export_can_be_asked(export):
    from zonekeras.models.saved_model import SavedModelNetwork

    directory, functions = export
    with watched_products() as products:
        network = SavedModelNetwork(directory / "1")
        signatures = network.module.signatures
        for batch, num_tables in ((B, 1), (B, N), (1, 1), (1, N)):
            inputs = numpy_inputs(batch)
            network.logits(inputs)
            network.logits(inputs, open_gates(batch, L, num_tables))
            run_pieces(network, inputs)
            asked = signature_inputs(inputs, num_tables)
            for name, signature in signatures.items():
                signature(**asked[name])
    assert {place.partition("/")[0] for place in products.places} == functions


def test_a_sweep_of_an_export(export, dev):
    from zonekeras.models.loading import load

    with watched_products():
        sweep_all(load(export[0]), dev, controls=1)


# What runs on several devices


SCRIPT = """
import sys
from pathlib import Path

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)

from tests.products import watched_products
from tests.test_products import SETTINGS, model_of, sweep_all, train
from zonekeras.distribute.options import StrategyName, StrategyOptions
from zonekeras.distribute.replicated_model import load_replicated
from zonekeras.distribute.strategies import make_strategy

strategy, dev = make_strategy(StrategyOptions(StrategyName.MIRRORED)), Path(sys.argv[1])
with watched_products() as products:
    train(model_of("bert"), dev, strategy=strategy)
assert any("gradient_tape" in place for place in products.places)
with watched_products():
    sweep_all(load_replicated(lambda: model_of("albert"), strategy), dev)
"""


@pytest.mark.slow
def test_two_devices(dev):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(dev)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
