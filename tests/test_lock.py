"""What requirements.txt locks is all that the program needs: tests' own packages hide what is missing from it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

# Imports every module of ours where only the locked packages can be found.
IMPORTING = """
import importlib, pkgutil, re, sys
from importlib.metadata import packages_distributions
from pathlib import Path

def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()

locked = set(re.findall(r"^([a-z0-9-]+)==", Path("requirements.txt").read_text(), re.M)) | {"throughline"}
unlocked = {
    module for module, names in packages_distributions().items() if not locked & {canonical(name) for name in names}
}

class OnlyWhatIsLocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in unlocked:
            raise ModuleNotFoundError(f"{name} is not in requirements.txt", name=name)

sys.meta_path.insert(0, OnlyWhatIsLocked())
for root in ("domain", "adapters", "activities", "workflows", "gateway", "workers"):
    for module in pkgutil.walk_packages([root], root + "."):
        if not module.name.endswith(("__main__", ".migrations.env")):  # which run something
            importlib.import_module(module.name)
print(len(unlocked), "hidden")
"""


def test_every_module_is_imported_with_nothing_but_what_requirements_txt_locks() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTING], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pytest" not in (ROOT / "requirements.txt").read_text()
    assert int(done.stdout.split()[0]) > 5  # tests' own packages were there, and hidden
