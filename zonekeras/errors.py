"""Errors: bad input, and how to tell when memory ran out.

`InputError` means "the input is wrong, and here is what to do". Everything a user can
get wrong (a file, a flag, a model directory, a configuration) raises it. The command
line turns it into one line on standard error and exit code 2; from Python it is an
ordinary `ValueError`.
"""


class InputError(ValueError):
    """Input that cannot be used.

    The message is one line: what was expected, what was received, and what to do.
    """


def is_out_of_memory(error: BaseException) -> bool:
    """Says whether an error means that a computation did not fit into memory.

    TensorFlow and JAX have errors of their own, which are told by what they say: the
    gRPC status of that name.
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "ResourceExhaustedError"
        or str(error).startswith("RESOURCE_EXHAUSTED")
    )
