"""A bucket in fsspec's memory: a file system that is not this machine's."""

from contextlib import contextmanager

from fsspec.implementations.memory import MemoryFileSystem


class Bucket:
    """Looks at the files, and changes them behind the back of who is tested."""

    url = "memory://bucket"

    def __setitem__(self, name, content):
        MemoryFileSystem().pipe_file(f"/bucket/{name}", content)

    def __getitem__(self, name):
        return MemoryFileSystem().cat_file(f"/bucket/{name}")

    def put_directory(self, name, directory):
        """Copies a local directory there."""
        for path in directory.rglob("*"):
            if path.is_file():
                target = f"{name}/{path.relative_to(directory).as_posix()}"
                self[target] = path.read_bytes()

    def names(self, directory=""):
        """All files below a directory, hidden ones too."""
        root = f"/bucket/{directory}".rstrip("/")
        found = MemoryFileSystem().find(root)
        return sorted(path.removeprefix(f"{root}/") for path in found)


@contextmanager
def empty_bucket():
    """Yields an empty bucket at `memory://bucket`."""
    try:
        _empty()
        yield Bucket()
    finally:
        _empty()


def _empty():
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
