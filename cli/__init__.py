"""The command line: one thin file per command, run as `zonekeras NAME`.

Every command file `cli/NAME.py` has the same three parts:

* `build_parser() -> CommandParser`, which needs nothing but the standard library;
* `main(argv=None) -> int`, which returns the exit code and never raises for bad input;
* `if __name__ == "__main__": sys.exit(main())`, so that `python -m cli.NAME` works.

Nothing heavy (NumPy, pandas, Keras, TensorFlow) is imported when a command's module
is: `--help` and an error in the flags must come back at once. The work itself lives in
`zonekeras`; a command reads flags, calls it and prints.
"""
