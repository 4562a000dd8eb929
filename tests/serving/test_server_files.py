"""The server's files, read by protobuf's own parser of the text format."""

import subprocess
from pathlib import Path

import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from zonekeras.defaults import SERVED_ROWS
from zonekeras.serving.server_files import (
    BatchingSettings,
    batching_config,
    docker_command,
    models_config,
    shell_line,
)


@pytest.fixture(scope="module")
def batching_parameters():
    """The message BatchingParameters, which no package on PyPI has.

    Source: tensorflow_serving/servables/tensorflow/session_bundle_config.proto.
    """
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="batching.proto",
        package="published",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    message = file.message_type.add(name="BatchingParameters")
    numbers = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")
    for number, name in enumerate((*numbers, "num_batch_threads"), start=1):
        message.field.add(
            name=name,
            number=number,
            type=field.TYPE_MESSAGE,
            label=field.LABEL_OPTIONAL,
            type_name=".google.protobuf.Int64Value",
        )
    message.field.add(
        name="allowed_batch_sizes",
        number=6,
        type=field.TYPE_INT64,
        label=field.LABEL_REPEATED,
    )
    message.field.add(
        name="pad_variable_length_inputs",
        number=7,
        type=field.TYPE_BOOL,
        label=field.LABEL_OPTIONAL,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("published.BatchingParameters")
    )


def test_the_batching_parameters(batching_parameters):
    text = batching_config(BatchingSettings(11, 700, 13, 3))
    found = text_format.Parse(text, batching_parameters())
    assert found.max_batch_size.value == 11
    assert found.batch_timeout_micros.value == 700
    assert found.max_enqueued_batches.value == 13
    assert found.num_batch_threads.value == 3
    assert found.pad_variable_length_inputs is False
    assert "pad_variable_length_inputs: false" in text
    assert not found.allowed_batch_sizes


def test_the_client_asks_no_more_than_a_batch_takes():
    assert BatchingSettings().max_batch_size == SERVED_ROWS


def test_the_model_server_config():
    messages = pytest.importorskip(
        "tensorflow_serving.config.model_server_config_pb2",
        reason="needs the extra 'serving'",
    )
    text = models_config("reader-1.0_b")
    found = text_format.Parse(text, messages.ModelServerConfig())
    [config] = found.model_config_list.config
    assert config.name == "reader-1.0_b"
    assert config.base_path == "/models/reader-1.0_b"
    assert config.model_platform == "tensorflow"


def test_the_command_is_whole_and_safe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    directory = Path("my models") / "reader"
    command = docker_command(directory, directory / "serving", "reader", rest_port=8511)
    here = tmp_path / "my models" / "reader"
    assert f"--mount=type=bind,source={here},target=/models/reader,readonly" in command
    assert f"--mount=type=bind,source={here}/serving,target=/config,readonly" in command
    assert "--publish=127.0.0.1:8511:8501" in command
    assert "--publish=127.0.0.1:8500:8500" in command
    assert {"--read-only", "--cap-drop=ALL"} <= set(command)
    assert command.index("tensorflow/serving:2.20.0") < command.index(
        "--model_config_file=/config/models.config"
    )
    assert "--gpus=all" not in command


def test_the_printed_line_is_the_command():
    command = docker_command(
        Path("/a dir/it's"), Path("/c"), "reader", image="image:gpu", gpu=True
    )
    assert "--gpus=all" in command
    done = subprocess.run(
        ["sh", "-c", rf"printf '%s\0' {shell_line(command)}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\0")[:-1] == command
