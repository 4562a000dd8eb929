"""A guard over the shapes of every product of matrices that TensorFlow runs.

A product whose operands have other batch dimensions, or another rank, than each other
(a broadcast one) corrupts memory where oneDNN takes its AVX-512 kernels, and shows
nothing on other CPUs. `watched_products` looks at shapes instead, and so finds such a
product on every CPU. It fails where it saw one, and where it saw no product at all.

- What runs eagerly is looked at when it has run.
- What is traced gets a record in its graph, before the product, with the shapes of each
  run; gradients and bodies of loops too. Functions keep it: what was traced under one
  watch can be run under another. To run a function with products that was traced
  outside of a watch is a failure.
- `watched_copy` puts the same record into the functions of a written SavedModel.

Products are `BatchMatMul*`. A `MatMul` has two dimensions and nothing to broadcast; any
other operation that multiplies matrices (`Einsum`) is a failure, since what it makes of
its operands is not seen. What another process or XLA runs is not looked at.
"""

import re
import shutil
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.eager import context
from tensorflow.python.framework import op_callbacks
from tensorflow.python.ops import script_ops

REPOSITORY = Path(__file__).resolve().parents[1]
BATCHED = ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
_MULTIPLIES = re.compile("MatMul|Einsum|XlaDot")


class Product(NamedTuple):
    """A product that ran: where it stands in the code, and its operands' shapes."""

    operation: str
    place: str
    shapes: tuple[tuple[int, ...], ...]

    @property
    def is_equal(self):
        """Whether it has two operands and broadcasts neither."""
        if self.operation not in BATCHED:
            return False
        left, right = self.shapes
        return len(left) == len(right) and left[:-2] == right[:-2]


class Products:
    """What a watch saw.

    Attributes:
        seen: How often each `Product` ran.
        unwatched: Functions that ran, with products, and were traced before the watch.
    """

    def __init__(self):
        self.seen = Counter()
        self.unwatched = set()

    @property
    def places(self):
        """Where the products stand that ran."""
        return {product.place for product in self.seen}

    @property
    def broadcast(self):
        """The products that must not be."""
        return sorted(product for product in self.seen if not product.is_equal)

    def check(self):
        """Raises an `AssertionError` unless all is well and something was seen."""
        of_place = {(one.operation, one.place): one for one in self.broadcast}
        faults = [
            f"{one.operation} of {' and '.join(str(list(s)) for s in one.shapes)}: "
            f"{one.place}"
            for one in of_place.values()
        ]
        faults += [f"traced outside: {name}" for name in sorted(self.unwatched)]
        if faults:
            raise AssertionError(
                "Expected products of equal batch dimensions, traced under a watch. "
                f"Received: {len(faults)} others.\n" + "\n".join(faults)
            )
        if not self.seen:
            raise AssertionError("Expected products to look at. Received: none ran.")


_WATCHING = []


@contextmanager
def watched_products():
    """Checks all products that run inside, also in threads that are started inside.

    Yields:
        `Products`, complete when all that was started has ended.
    """
    watch = Products()
    if _WATCHING:
        raise AssertionError("Expected one watch at a time.")
    _WATCHING.append(watch)
    op_callbacks.add_op_callback(_on_operation)
    threading.setprofile(_join_watch)
    try:
        yield watch
    finally:
        threading.setprofile(None)
        op_callbacks.remove_op_callback(_on_operation)
        _WATCHING.clear()
    watch.check()


def watched_copy(source, target):
    """Copies a SavedModel, or a model directory with one, and records its products.

    Args:
        source: A directory with one `saved_model.pb` somewhere in it; stays as it is.
        target: Where to put the copy; not there yet.

    Returns:
        The names of the functions with products; the place of each begins with its own.
    """
    shutil.copytree(source, target)
    (path,) = target.rglob("saved_model.pb")
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    (meta_graph,) = saved.meta_graphs
    graph = meta_graph.graph_def
    assert not any(_is_looked_at(node.op) for node in graph.node)  # functions have them
    functions = {
        function.signature.name
        for function in graph.library.function
        if _record_products(function)
    }
    path.write_bytes(saved.SerializeToString())
    return functions


def _is_looked_at(operation):
    return operation != "MatMul" and _MULTIPLIES.search(operation) is not None


def _note(operation, place, *shapes):
    """Notes a product; graphs call this, by `_TOKEN`, when one is about to run."""
    shapes = tuple(tuple(map(int, shape)) for shape in shapes)
    if _WATCHING:
        _WATCHING[0].seen[Product(_text(operation), _text(place), shapes)] += 1


_TOKEN = script_ops._py_funcs.insert(_note)


def _join_watch(*_):
    """Watches a thread from its first call on: each has its own operation callbacks."""
    sys.setprofile(None)
    if _WATCHING:
        op_callbacks.add_op_callback(_on_operation)


def _on_operation(op_type, inputs, attrs, outputs, op_name=None, graph=None):
    """Looks at an operation that ran eagerly, or was put into a graph."""
    if not _WATCHING:
        return
    op_type = _text(op_type)
    if _is_looked_at(op_type):
        if graph is None:
            _note(op_type, _place(), *(tensor.shape for tensor in inputs))
        else:
            _add_record(op_type, inputs, outputs[0].op)
    elif graph is None:
        for name in (op_type, *(each for each in attrs if isinstance(each, str))):
            if context.context().has_function(name) and not _is_recorded(name):
                _WATCHING[0].unwatched.add(name)


def _text(name):
    return name if isinstance(name, str) else name.decode()


def _add_record(op_type, inputs, product):
    """Has a product of a graph that is being built wait for its record."""
    texts = op_type, f"{_place()} ({product.name})"
    record = tf.raw_ops.PyFunc(
        input=[*map(tf.constant, texts), *map(tf.shape, inputs)], token=_TOKEN, Tout=[]
    )
    product._add_control_input(record)


def _place():
    """Returns the innermost line of the package or, outside of it, of the tests."""
    frame, of_tests = sys._getframe(1), "elsewhere"
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        line = f"{path.name}:{frame.f_lineno}"
        if path.is_relative_to(REPOSITORY / "zonekeras"):
            return f"{path.relative_to(REPOSITORY)}:{frame.f_lineno}"
        is_test = path.is_relative_to(REPOSITORY / "tests") and path != Path(__file__)
        if is_test and of_tests == "elsewhere":
            of_tests = line
        frame = frame.f_back
    return of_tests


_RECORDED = {}


def _is_recorded(name):
    """Whether all products of a function, and of those it calls, have a record."""
    if name not in _RECORDED:
        _RECORDED[name] = True  # until known, for functions that call themselves
        has_function = context.context().has_function
        nodes = context.context().get_function_def(name).node_def
        called = {node.op for node in nodes}
        for node in nodes:
            for value in node.attr.values():
                called |= {each.name for each in (value.func, *value.list.func)}
        _RECORDED[name] = not list(_without_record(nodes)) and all(
            _is_recorded(each) for each in called if each and has_function(each)
        )
    return _RECORDED[name]


def _without_record(nodes):
    """Yields products of a function that wait for no record."""
    records = {
        f"^{node.name}"
        for node in nodes
        if node.op == "PyFunc" and _text(node.attr["token"].s) == _TOKEN
    }
    for node in nodes:
        if _is_looked_at(node.op) and not records & set(node.input):
            yield node


def _record_products(function):
    """Puts a record before every product of a written function; counts them."""
    products = list(_without_record(function.node_def))
    for number, product in enumerate(products):
        place = f"{function.signature.name}/{product.name}"
        inputs = []
        for text in (product.op, place):
            node = function.node_def.add(op="Const")
            value = tf.make_tensor_proto(text)
            node.attr["dtype"].type = value.dtype
            node.attr["value"].tensor.CopyFrom(value)
            inputs.append((node, value.dtype))
        for index, operand in enumerate(product.input):
            if operand.startswith("^"):
                continue
            node = function.node_def.add(op="Shape", input=[operand])
            node.attr["T"].CopyFrom(_type_of(product, index))
            node.attr["out_type"].type = tf.int32.as_datatype_enum
            inputs.append((node, tf.int32.as_datatype_enum))
        record = function.node_def.add(op="PyFunc", name=f"product_{number}")
        record.attr["token"].s = _TOKEN.encode()
        record.attr["Tout"].list.SetInParent()
        for index, (node, dtype) in enumerate(inputs):
            node.name = f"product_{number}_{index}"
            record.input.append(f"{node.name}:output:0")
            record.attr["Tin"].list.type.append(dtype)
        product.input.append(f"^{record.name}")
    return len(products)


def _type_of(product, index):
    """Returns the type of an operand; the third form has one for each."""
    names = ("T", "T") if "T" in product.attr else ("Ta", "Tb")
    return product.attr[names[index]]
