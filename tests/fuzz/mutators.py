"""Ways to damage a file, each drawn from a generator, so that a case can be repeated.

A mutator changes one file in place. None of them writes outside of the file's folder.
"""

import json
import os
import sqlite3

ODD_VALUES = [
    None,
    True,
    -1,
    0,
    1e308,
    10**30,
    2**63,
    "",
    "a",
    "\x1b[2J\x9b",
    "\ud800",
    "x" * 100_000,
    [],
    {},
    [[]],
    ["a", "a"],
    {"a": {"a": "a"}},
    float("nan"),
    float("inf"),
]
ODD_BYTES = [b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"{}", b"[]", b"[" * 20_000]


def flip_bit(path, generator):
    """Flips one bit, as a bad disk does."""
    content = bytearray(path.read_bytes())
    if content:
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    path.write_bytes(content)


def flip_bits(path, generator):
    """Flips several bits that lie close together."""
    content = bytearray(path.read_bytes())
    if content:
        start = generator.randrange(len(content))
        for place in range(start, min(len(content), start + 16)):
            content[place] ^= generator.randrange(256)
    path.write_bytes(content)


def cut(path, generator):
    """Cuts the end off, often by a byte alone."""
    content = path.read_bytes()
    keep = generator.choice([len(content) - 1, generator.randrange(len(content) + 1)])
    path.write_bytes(content[: max(keep, 0)])


def repeat(path, generator):
    """Repeats a part of the file."""
    content = path.read_bytes()
    first, last = sorted(generator.randrange(len(content) + 1) for _ in range(2))
    path.write_bytes(content[:last] + content[first:last] + content[last:])


def overwrite(path, generator):
    """Replaces the whole file by something short and odd."""
    path.write_bytes(generator.choice(ODD_BYTES))


def insert(path, generator):
    """Inserts something odd."""
    content = path.read_bytes()
    place = generator.randrange(len(content) + 1)
    path.write_bytes(content[:place] + generator.choice(ODD_BYTES) + content[place:])


def make_pipe(path, generator):
    """Puts a pipe of its own in the file's place; nobody ever writes to it."""
    path.unlink()
    os.mkfifo(path)


def make_directory(path, generator):
    """Puts a directory in the file's place."""
    path.unlink()
    path.mkdir()


def make_loop(path, generator):
    """Puts a link to itself in the file's place."""
    path.unlink()
    path.symlink_to(path.name)


def remove(path, generator):
    """Removes the file."""
    path.unlink()


def change_json(path, generator):
    """Replaces a value somewhere in a JSON file, drops a key or nests it deep."""
    content = json.loads(path.read_text(encoding="utf-8"))
    places = list(_places(content))
    if not places:
        return overwrite(path, generator)
    holder, key = generator.choice(places)
    what = generator.randrange(8)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, dict):
        holder["x" + str(key)] = holder.pop(key)
    elif what == 2 and isinstance(holder, list):
        holder.append(holder[key])
    else:
        holder[key] = generator.choice(ODD_VALUES)
    text = json.dumps(content)
    if what == 3:
        text = text.replace("{}", "[" * 3000 + "]" * 3000)
    path.write_text(text, encoding="utf-8")
    return None


def change_store(path, generator):
    """Changes one value of a database behind its back."""
    connection = sqlite3.connect(path)
    try:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
        ]
        table = generator.choice(tables)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = generator.choice(columns)
        value = generator.choice(
            [-1, 0, 10**12, "", "a", "{}", "[1]", b"", b"\x00\x01", 1e300, 0.5]
        )
        where = ""
        if generator.randrange(2):
            count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            key = generator.choice(columns)
            rows = connection.execute(f"SELECT {key} FROM {table}").fetchall()
            if count:
                where = f" WHERE {key} IS ?"
                chosen = generator.choice(rows)
        with connection:
            connection.execute(
                f"UPDATE OR IGNORE {table} SET {column} = ?{where}",
                (value, *chosen) if where else (value,),
            )
    except sqlite3.Error:
        pass  # a constraint said no: the store is as it was
    finally:
        connection.close()


def _places(content):
    """Yields every container with a key, from the outside in."""
    waiting = [content]
    while waiting:
        holder = waiting.pop(0)
        pairs = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in list(pairs):
            yield holder, key
            if isinstance(value, dict | list):
                waiting.append(value)


BYTES = (flip_bit, flip_bits, cut, repeat, overwrite, insert)
PLACES = (make_pipe, make_directory, make_loop, remove)
OF_SUFFIX = {".json": (change_json,) * 6, ".sqlite": (change_store,) * 6}


def mutators_of(path):
    """Returns what suits a file; every format gets bytes and places for nothing."""
    return (*BYTES, *BYTES, *PLACES, *OF_SUFFIX.get(path.suffix, ()))
