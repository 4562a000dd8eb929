"""Local paths in place of the remote ones that a command was given.

A flag's type says how the command uses a path (`cli.value_types`), so that one `with`
block serves all commands. Files to read are fetched before the block. Files that are
written go to their remote place during the block and at its end.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ParamSpec

from cli.value_types import (
    RemoteCheckpoint,
    RemoteOutputDir,
    RemoteOutputFile,
    RemotePath,
    RemoteUpdatedDir,
)
from zonekeras.errors import InputError

if TYPE_CHECKING:
    from zonekeras.data.squad import SquadDataset
    from zonekeras.models.zone_model import ZoneModel
    from zonekeras.remote.staging import Staging
    from zonekeras.remote.working_copy import WorkingCopy
    from zonekeras.tasks.task import Task
    from zonekeras.training.training_task import TrainingTask

_P = ParamSpec("_P")


@dataclass(frozen=True)
class LocalPaths:
    """What a command works on.

    Attributes:
        given: The flags as they were given.
        arguments: The same, every path a local one.
    """

    given: argparse.Namespace
    arguments: argparse.Namespace
    _staging: Staging | None = None
    _copies: list[WorkingCopy] = field(default_factory=list)

    def after(self, callback: Callable[_P, None]) -> Callable[_P, None]:
        """Returns a callback for progress that also writes to remote places."""
        for copy in self._copies:
            callback = copy.after(callback)
        return callback

    def read_squad(self, path: str, **how: Any) -> SquadDataset:
        """Reads a SQuAD-format file; the dataset has the path that was given."""
        from zonekeras.data.squad import read_squad

        dataset = read_squad(path, **how)
        return replace(dataset, path=self.named(dataset.path))

    def read(
        self,
        task: Task[Any, Any] | TrainingTask[Any, Any],
        path: str,
        *,
        skip_bad: bool,
    ) -> Any:
        """Reads a task's file; the dataset has the path that was given."""
        dataset = task.read(path, skip_bad=skip_bad)
        return replace(dataset, path=self.named(dataset.path))

    def read_to_train(
        self, task: TrainingTask[Any, Any], path: str, *, skip_bad: bool
    ) -> Any:
        """Reads a file to train on; the dataset has the path that was given."""
        dataset = task.read(path, training=True, skip_bad=skip_bad)
        return replace(dataset, path=self.named(dataset.path))

    def renamed(self, model: ZoneModel) -> ZoneModel:
        """Returns a model that was loaded, with the source that was given."""
        description = model.description
        source = self.named(description.source)
        model.description = replace(description, source=source)
        return model

    def named(self, text: str) -> str:
        """Returns a text with addresses in place of the local paths for them."""
        return text if self._staging is None else self._staging.named(text)


@contextmanager
def local_paths(
    arguments: argparse.Namespace, *, writes: bool = True
) -> Iterator[LocalPaths]:
    """Fetches the remote paths among the flags, and writes results back to them.

    Args:
        arguments: The flags. Those without a remote path are handed on as they are.
        writes: Whether this process writes; if not, what it leaves in an output
            directory goes nowhere.

    Raises:
        InputError: If a remote place cannot be reached, or another process writes
            there; also from the block, naming addresses in place of local paths.
    """
    if not any(map(_remote_paths, vars(arguments).values())):
        yield LocalPaths(arguments, arguments)
        return
    from zonekeras.remote.staging import Staging

    with Staging() as staging:
        try:
            yield _staged(arguments, staging, writes)
        except InputError as error:
            raise InputError(staging.named(str(error))) from error
        except OSError as error:
            if isinstance(error.filename, str):
                error.filename = staging.named(error.filename)
            raise


def _staged(
    arguments: argparse.Namespace, staging: Staging, writes: bool
) -> LocalPaths:
    """Replaces every remote path by a local one; first those that may be refused."""
    local: dict[RemotePath, str] = {}
    copies = []
    paths = [
        path for value in vars(arguments).values() for path in _remote_paths(value)
    ]
    for path in sorted(paths, key=lambda path: not isinstance(path, RemoteOutputDir)):
        if isinstance(path, RemoteOutputDir) and writes:
            alone = not isinstance(path, RemoteUpdatedDir)
            copies.append(staging.working_copy(path, alone=alone))
            local[path] = str(copies[-1].path)
        elif isinstance(path, RemoteOutputDir):
            local[path] = str(staging.discarded(path))
        elif isinstance(path, RemoteOutputFile):
            local[path] = str(staging.output_file(path))
        elif isinstance(path, RemoteCheckpoint):
            local[path] = str(staging.fetch_checkpoint(path))
        else:
            local[path] = str(staging.fetch(path))
    flags = {name: _localized(value, local) for name, value in vars(arguments).items()}
    return LocalPaths(arguments, argparse.Namespace(**flags), staging, copies)


def _remote_paths(value: object) -> list[RemotePath]:
    """Returns the remote paths in a flag's value."""
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, RemotePath)]


def _localized(value: object, local: dict[RemotePath, str]) -> object:
    if isinstance(value, list):
        return [_localized(item, local) for item in value]
    return local[value] if isinstance(value, RemotePath) else value
