"""What another package gets by `pip install`: the adapter interface and the tests to inherit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.servers.programs import ROOT

pytestmark = [pytest.mark.once, pytest.mark.slow]

SAMPLE = ROOT / "tests/erp_integrations/adapters/test_practice.py"  # of docs/adding-an-adapter.md, section 6
CONFTEST = 'import pytest\n\npytest.register_assert_rewrite("erp_integrations.conformance")\n'


def test_an_adapters_tests_inherit_the_conformance_tests_from_the_installed_package(tmp_path: Path) -> None:
    project, installed, elsewhere = (tmp_path / name for name in ("project", "installed", "elsewhere"))
    shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "var", "build", "tests", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, project]
    subprocess.run(pip, check=True)
    [wheel] = tmp_path.glob("tieback-*.whl")
    ZipFile(wheel).extractall(installed)
    elsewhere.mkdir()
    shutil.copy(SAMPLE, elsewhere)
    (elsewhere / "conftest.py").write_text(CONFTEST)

    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1", "VAR_DIR": str(tmp_path)}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-k", "TestConformance", "--rootdir", elsewhere, elsewhere]
    ran = subprocess.run(pytest_, cwd=elsewhere, env=environment, capture_output=True, text=True)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout
