"""Copies of the project for the workflow tests."""

import pytest
from checkout import Project, copy_project


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """A copy for tests that build nothing and change nothing."""
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def own_project(tmp_path) -> Project:
    """A copy for a test that changes it."""
    return copy_project(tmp_path / "project")
