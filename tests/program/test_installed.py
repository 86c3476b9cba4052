"""Ancestry of third-party classes, from packages installed beside the project."""

from __future__ import annotations

from pathlib import Path

from guardrails.program.installed import Installed, site_packages
from tests.support import Example, check, write


def environment(root: Path) -> Path:
    """A virtual environment with a package whose base class is a Beanie document, two modules away."""
    packages = root / ".venv" / "lib" / "python3.12" / "site-packages"
    files = {
        "acme/__init__.py": "from .documents import AuditedDocument as Audited\n",
        "acme/documents.py": "from acme.base import Base\nclass AuditedDocument(Base[int]):\n    pass\n",
        "acme/base.py": "import beanie as b\nclass Base(b.Document):\n    raise SystemExit('imported')\n",
        "acme/broken.py": "class Broken(:\n",
    }
    for path, text in files.items():
        (packages / path).parent.mkdir(parents=True, exist_ok=True)
        (packages / path).write_text(text)
    (root / ".venv" / "pyvenv.cfg").write_text("home = /usr\n")
    return packages


def test_bases_are_followed_through_re_exports_without_importing(tmp_path: Path) -> None:
    installed = Installed((environment(tmp_path),))
    assert installed.bases("acme.Audited") == ("acme.base.Base",)
    assert installed.bases("acme.base.Base") == ("beanie.Document",)
    assert installed.bases("acme.broken.Broken") == ()
    assert installed.bases("nowhere.Class") == ()


def test_environments_are_found_up_to_the_repository(tmp_path: Path) -> None:
    packages = environment(tmp_path)
    (tmp_path / "backend" / "app").mkdir(parents=True)
    assert site_packages(tmp_path / "backend" / "app", tmp_path) == (packages,)
    assert site_packages(tmp_path / "backend" / "app", tmp_path / "backend") == ()


def test_a_document_of_an_installed_base_class_is_a_document(tmp_path: Path) -> None:
    example = Example()
    example.add("app/models/user.py", "from acme import Audited\nclass User(Audited):\n    name: str\n")
    example.add(
        "app/routes/users.py",
        "from fastapi import APIRouter\nfrom app.models.user import User\nrouter = APIRouter()\n"
        "@router.get('/users')\nasync def users():\n    return await User.find_all().to_list()\n",
    )
    write(example, tmp_path)
    assert check(tmp_path, ["GR301"]) == []
    environment(tmp_path)
    assert check(tmp_path, ["GR301"]) == [("app/routes/users.py", 6, "GR301")]
