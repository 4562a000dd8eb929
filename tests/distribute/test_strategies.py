"""Which strategy is taken, how it is made, and what is refused before it is."""

import json
from types import SimpleNamespace

import keras
import pytest

from cli import shared_flags
from cli.parsing import CommandParser
from tests.backends import only_tensorflow
from zonekeras.distribute.options import (
    Cluster,
    StrategyName,
    StrategyOptions,
    check_options,
    shared_cluster,
)
from zonekeras.distribute.strategies import choose_strategy, make_strategy
from zonekeras.errors import InputError

WORKERS = {"worker": ["one:1", "two:2"]}


def config(cluster, kind="worker", index=0):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def flags(*given):
    parser = CommandParser(prog="zonekeras demo")
    shared_flags.add_protocol_flags(parser)
    return parser.parse_args(given)


def test_the_names_are_those_of_the_flag():
    for name in ("auto", "one", "mirrored", "multi_worker", "tpu"):
        assert flags("--strategy", name).strategy == StrategyName(name)
    assert flags().strategy == "auto"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ("auto", "", "", "")),
        (["--use_tpu=False", "--tpu_name=node"], ("auto", "", "", "")),
        (["--use_tpu=True", "--tpu_name="], ("tpu", "", "", "")),
        (
            "--use_tpu --tpu_name=n --tpu_zone=z --gcp_project=p".split(),
            ("tpu", "n", "z", "p"),
        ),
        (["--tpu_name=node"], ("auto", "node", "", "")),
        (["--strategy=mirrored", "--use_tpu=False"], ("mirrored", "", "", "")),
    ],
)
def test_flags_mean_what_they_do_in_the_protocol(given, expected):
    arguments = flags(*given)
    assert shared_flags.strategy_faults(arguments) == []
    assert shared_flags.strategy_options(arguments) == StrategyOptions(*expected)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        (["--strategy=tpu", "--use_tpu=False"], ["--strategy tpu and --use_tpu=False"]),
        (
            ["--strategy=one", "--use_tpu", "--tpu_name=n"],
            ["--strategy one and --use_tpu", "--strategy one and --tpu_name"],
        ),
    ],
)
def test_flags_that_exclude_each_other(given, faults):
    found = shared_flags.strategy_faults(flags(*given))
    assert found == [f"{fault} exclude each other" for fault in faults]


def test_a_cluster_is_read_from_tf_config():
    first = Cluster.from_environment({"TF_CONFIG": config(WORKERS)})
    assert first == Cluster(("one:1", "two:2"), 0) and first.is_chief
    with_chief = {"worker": ["one:1", "two:2"], "chief": ["zero:0"]}
    last = Cluster.from_environment({"TF_CONFIG": config(with_chief, index=1)})
    assert last == Cluster(("zero:0", "one:1", "two:2"), 2) and not last.is_chief
    assert Cluster.from_environment({}) is None
    assert Cluster.from_environment({"TF_CONFIG": "{}"}) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "which is no such JSON"),
        ("[1]", "which is no such JSON"),
        (config({"worker": "one:1"}), "where a job is not a list of addresses"),
        (config(WORKERS | {"ps": ["three:3"]}), "with the jobs ps"),
        (config(WORKERS, index=2), "whose task is none of its cluster's"),
        (config(WORKERS, kind="chief"), "whose task is none of its cluster's"),
        (json.dumps({"cluster": WORKERS}), "whose task is none of its cluster's"),
    ],
)
def test_a_wrong_tf_config_is_shown(monkeypatch, text, why):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="^Expected TF_CONFIG such as ") as caught:
        check_options(StrategyOptions())
    assert str(caught.value).endswith(f"Received: {text!r}, {why}.")
    check_options(StrategyOptions(StrategyName.ONE))


def test_multi_worker_needs_workers(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match="^Expected the workers in TF_CONFIG for "):
        check_options(StrategyOptions(StrategyName.MULTI_WORKER))


def test_processes_share_a_run_where_tf_config_names_several(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    monkeypatch.setenv("TF_CONFIG", config(WORKERS, index=1))
    assert shared_cluster(StrategyOptions()).index == 1
    assert shared_cluster(StrategyOptions(StrategyName.ONE)) is None
    assert shared_cluster(StrategyOptions(tpu_name="node")) is None
    monkeypatch.setenv("TF_CONFIG", config({"worker": ["one:1"]}))
    assert shared_cluster(StrategyOptions()) is None


def test_another_backend_has_one_device_in_every_process(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setenv("TF_CONFIG", config(WORKERS, index=1))
    assert shared_cluster(StrategyOptions()) is None
    assert shared_cluster(StrategyOptions(StrategyName.MULTI_WORKER)) is None
    assert make_strategy() is None
    for options, asked in (
        (StrategyOptions(StrategyName.MIRRORED), "mirrored"),
        (StrategyOptions(tpu_name="node"), "the TPU node"),
    ):
        message = f"^Expected the TensorFlow backend for {asked}. Received: jax. Set "
        with pytest.raises(InputError, match=message):
            make_strategy(options)


@only_tensorflow
class TestTensorFlow:
    @pytest.fixture(autouse=True)
    def alone(self, monkeypatch):
        monkeypatch.delenv("TF_CONFIG", raising=False)

    @pytest.mark.parametrize(
        ("num_gpus", "options", "expected"),
        [
            (0, StrategyOptions(), "one"),
            (1, StrategyOptions(), "one"),
            (2, StrategyOptions(), "mirrored"),
            (2, StrategyOptions(tpu_name="node"), "tpu"),
            (2, StrategyOptions(StrategyName.ONE), "one"),
        ],
    )
    def test_auto_goes_by_what_is_there(self, monkeypatch, num_gpus, options, expected):
        import tensorflow as tf

        monkeypatch.setattr(
            tf.config, "list_physical_devices", lambda kind: ["GPU"] * num_gpus
        )
        assert choose_strategy(options) is StrategyName(expected)
        monkeypatch.setenv("TF_CONFIG", config(WORKERS))
        if expected in ("mirrored", "one") and options == StrategyOptions():
            assert choose_strategy(options) is StrategyName.MULTI_WORKER

    def test_mirrored_says_so_where_there_is_one_device(self):
        with pytest.warns(UserWarning, match="^mirrored: TensorFlow sees one "):
            strategy = make_strategy(StrategyOptions(StrategyName.MIRRORED))
        assert strategy.num_replicas_in_sync == 1

    def test_a_tpu_is_asked_for_by_its_flags(self, monkeypatch):
        """A fake resolver, up to the call that needs the device."""
        import tensorflow as tf

        calls = []
        resolver = SimpleNamespace()

        def resolve(**arguments):
            calls.append(("resolver", arguments))
            return resolver

        def note(name):
            return lambda given: calls.append((name, given is resolver))

        cluster_resolver = tf.distribute.cluster_resolver
        monkeypatch.setattr(cluster_resolver, "TPUClusterResolver", resolve)
        monkeypatch.setattr(
            tf.config, "experimental_connect_to_cluster", note("connect")
        )
        monkeypatch.setattr(
            tf.tpu.experimental, "initialize_tpu_system", note("initialize")
        )
        monkeypatch.setattr(tf.distribute, "TPUStrategy", note("strategy"))
        make_strategy(
            StrategyOptions(StrategyName.TPU, "node", "us-central1-b", "mine")
        )
        make_strategy(StrategyOptions(StrategyName.TPU))
        named = {"tpu": "node", "zone": "us-central1-b", "project": "mine"}
        local = {"tpu": "local", "zone": None, "project": None}
        rest = [("connect", True), ("initialize", True), ("strategy", True)]
        assert calls == [("resolver", named), *rest, ("resolver", local), *rest]

    def test_without_a_tpu_the_reason_is_one_line(self):
        message = (
            "^Expected a TPU in this machine. Received: .+; see docs/gce-tpu-vm.md"
        )
        with pytest.raises(InputError, match=message) as caught:
            make_strategy(StrategyOptions(StrategyName.TPU))
        assert "\n" not in str(caught.value)
