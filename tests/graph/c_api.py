"""A SavedModel run through TensorFlow's C API, as a C++ server runs it.

TensorFlow is never imported: `ctypes` calls the two libraries of the installed wheel,
which load a SavedModel and run it as TensorFlow Serving's own loader does. What a
signature's tensors are called is read from `saved_model.pb`.

Source: tensorflow/c/c_api.h, tf_tensor.h and tf_tstring.h of the wheel.
"""

import ctypes
import importlib.util
from pathlib import Path

import numpy as np

from zonekeras.tokenizing.protocol_buffers import message_fields, varint

_STRING = 7
_DTYPES = {1: np.float32, 3: np.int32, 9: np.int64}
_STRING_BYTES = 24
# Field numbers of SavedModel, MetaGraphDef, SignatureDef, a map's entry, TensorInfo.
_META_GRAPHS, _SIGNATURES = 2, 5
_INPUTS, _OUTPUTS = 1, 2
_KEY, _VALUE = 1, 2
_NAME, _DTYPE = 1, 2


class _Output(ctypes.Structure):
    """One output of an operation: TF_Output."""

    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


def _library_folder():
    """Returns where the wheel lies, without importing it."""
    return Path(importlib.util.find_spec("tensorflow").origin).parent


def _load_library():
    folder = _library_folder()
    ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"), ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"), ctypes.RTLD_GLOBAL)
    pointers = (
        "TF_NewStatus TF_LoadLibrary TF_NewGraph TF_NewSessionOptions "
        "TF_LoadSessionFromSavedModel TF_GraphOperationByName TF_AllocateTensor "
        "TF_TensorData TF_StringGetDataPointer"
    )
    for name in pointers.split():
        getattr(library, name).restype = ctypes.c_void_p
    library.TF_Message.restype = ctypes.c_char_p
    for name in ("TF_StringGetSize", "TF_TensorByteSize"):
        getattr(library, name).restype = ctypes.c_size_t
    library.TF_Dim.restype = ctypes.c_int64
    return library


class _Status:
    """A TF_Status that raises what it says."""

    def __init__(self, library):
        self._library = library
        self.pointer = ctypes.c_void_p(library.TF_NewStatus())

    def check(self):
        if self._library.TF_GetCode(self.pointer):
            raise RuntimeError(self._library.TF_Message(self.pointer).decode())


class CSession:
    """A loaded SavedModel.

    Args:
        saved_model: Its directory.
        op_libraries: Libraries with operations that TensorFlow does not have.

    Attributes:
        signatures: Name -> inputs and outputs, each name -> (tensor, dtype).
    """

    def __init__(self, saved_model, op_libraries=()):
        self._library = library = _load_library()
        status = _Status(library)
        for path in op_libraries:
            library.TF_LoadLibrary(str(path).encode(), status.pointer)
            status.check()
        self._graph = ctypes.c_void_p(library.TF_NewGraph())
        self._session = ctypes.c_void_p(
            library.TF_LoadSessionFromSavedModel(
                ctypes.c_void_p(library.TF_NewSessionOptions()),
                None,
                str(saved_model).encode(),
                (ctypes.c_char_p * 1)(b"serve"),
                1,
                self._graph,
                None,
                status.pointer,
            )
        )
        status.check()
        content = (Path(saved_model) / "saved_model.pb").read_bytes()
        self.signatures = read_signatures(content)

    def run(self, signature, **inputs):
        """Runs a signature on arrays; strings are arrays of bytes. Thread-safe."""
        given, wanted = self.signatures[signature]
        assert sorted(given) == sorted(inputs)
        library, status = self._library, _Status(self._library)
        feeds = [self._tensor(inputs[name], given[name][1]) for name in given]
        fetched = (ctypes.c_void_p * len(wanted))()
        library.TF_SessionRun(
            self._session,
            None,
            self._outputs(given),
            (ctypes.c_void_p * len(feeds))(*feeds),
            len(feeds),
            self._outputs(wanted),
            fetched,
            len(wanted),
            None,
            0,
            None,
            status.pointer,
        )
        for feed in feeds:
            library.TF_DeleteTensor(ctypes.c_void_p(feed))
        status.check()
        return {
            name: self._array(ctypes.c_void_p(pointer))
            for name, pointer in zip(wanted, fetched, strict=True)
        }

    def _outputs(self, tensors):
        """Returns the graph's outputs that tensors are."""
        found = []
        for name, _ in tensors.values():
            operation, _, index = name.partition(":")
            pointer = self._library.TF_GraphOperationByName(
                self._graph, operation.encode()
            )
            assert pointer, name
            found.append(_Output(pointer, int(index)))
        return (_Output * len(found))(*found)

    def _tensor(self, values, dtype):
        """Makes a TF_Tensor of an array."""
        library = self._library
        array = np.asarray(values, object if dtype == _STRING else _DTYPES[dtype])
        is_string = dtype == _STRING
        size = array.size * _STRING_BYTES if is_string else array.nbytes
        dimensions = (ctypes.c_int64 * array.ndim)(*array.shape)
        pointer = library.TF_AllocateTensor(
            dtype, dimensions, array.ndim, ctypes.c_size_t(size)
        )
        data = library.TF_TensorData(ctypes.c_void_p(pointer))
        if not is_string:
            ctypes.memmove(data, np.ascontiguousarray(array).ctypes.data, size)
            return pointer
        for place, value in enumerate(array.reshape(-1)):
            string = ctypes.c_void_p(data + place * _STRING_BYTES)
            library.TF_StringInit(string)
            library.TF_StringCopy(string, value, ctypes.c_size_t(len(value)))
        return pointer

    def _array(self, tensor):
        """Copies a TF_Tensor into an array, and deletes it."""
        library = self._library
        shape = [
            library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))
        ]
        dtype = library.TF_TensorType(tensor)
        data = library.TF_TensorData(tensor)
        if dtype == _STRING:
            array = np.empty(shape, object)
            for place in range(array.size):
                string = ctypes.c_void_p(data + place * _STRING_BYTES)
                array.reshape(-1)[place] = ctypes.string_at(
                    library.TF_StringGetDataPointer(string),
                    library.TF_StringGetSize(string),
                )
        else:
            content = ctypes.string_at(data, library.TF_TensorByteSize(tensor))
            array = np.frombuffer(content, _DTYPES[dtype]).reshape(shape)
        library.TF_DeleteTensor(tensor)
        return array


def text_op_libraries():
    """Returns the libraries of tensorflow-text that a SavedModel of ours needs."""
    folder = Path(importlib.util.find_spec("tensorflow_text").origin).parent
    names = ("_fast_wordpiece_tokenizer", "_sentencepiece_tokenizer")
    return [folder / f"python/ops/{name}.so" for name in names]


def read_signatures(saved_model):
    """Reads signatures from the bytes of a `saved_model.pb`."""
    (graph,) = [
        value for number, value in message_fields(saved_model) if number == _META_GRAPHS
    ]
    signatures = {}
    for number, value in message_fields(graph):
        if number == _SIGNATURES:
            name, signature = _entry(value)
            if not name.startswith("__"):
                signatures[name] = tuple(
                    _tensors(signature, side) for side in (_INPUTS, _OUTPUTS)
                )
    return signatures


def _tensors(signature, side):
    """Returns name -> (tensor, dtype) of a signature's inputs or outputs."""
    tensors = {}
    for number, value in message_fields(signature):
        if number == side:
            name, info = _entry(value)
            parts = dict(message_fields(info))
            tensors[name] = parts[_NAME].decode(), varint(parts[_DTYPE], 0)[0]
    return tensors


def _entry(message):
    """Returns key and value of a map's entry."""
    parts = dict(message_fields(message))
    return parts[_KEY].decode(), parts.get(_VALUE, b"")
