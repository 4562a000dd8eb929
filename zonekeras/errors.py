"""The one exception that means "the input is wrong, and here is what to do".

Everything a user can get wrong (a file, a flag, a model directory, a configuration)
raises `InputError`. The command line turns it into one line on standard error and
exit code 2; from Python it is an ordinary `ValueError`.
"""


class InputError(ValueError):
    """Input that cannot be used.

    The message is one line: what was expected, what was received, and what to do.
    """
