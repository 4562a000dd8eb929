"""The bucket that these tests share."""

import pytest

from tests.remote_bucket import empty_bucket


@pytest.fixture
def bucket():
    with empty_bucket() as found:
        yield found
