"""Makes a component of a project: `xqute-plugin-build [DIR] [-o FILE]`.

The project is a folder with `pyproject.toml` (name, version, description) and a module or package `plugin`. The component
has the Python interpreter in it, the plugin's modules, and what `requirements.txt` names, if that is pure Python.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from .about import BadPlugin, Project, find_parts

PACKAGE = Path(__file__).parent
MODULE = "plugin"
LEFT_OUT = ("build", "node_modules", "sdk", "tests")
"""Folders of a project whose modules do not belong to the plugin."""
COMPONENTIZE = [sys.executable, "-c", "import componentize_py; componentize_py.script()"]


def read_project(folder: Path) -> Project:
    """What `pyproject.toml` says."""
    file = folder / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text())["project"]
        return Project(project["name"], project["version"], project["description"])
    except FileNotFoundError:
        raise BadPlugin(f"there is no {file}; it has to say name, version and description under [project]") from None
    except KeyError as missing:
        raise BadPlugin(f"{file} does not say {missing} under [project]") from None
    except tomllib.TOMLDecodeError as error:
        raise BadPlugin(f"{file}: {error}") from None


def load(folder: Path):
    """The plugin's module."""
    if not any((folder / name).is_file() for name in (f"{MODULE}.py", f"{MODULE}/__init__.py")):
        raise BadPlugin(f"there is no {folder / MODULE}.py")
    sys.path.insert(0, str(folder))
    return importlib.import_module(MODULE)


def build(folder: Path, output: Path | None = None) -> Path:
    """Makes the component, and returns where it is."""
    project = read_project(folder)
    parts = find_parts(load(folder))
    name = project.name.removeprefix("xqute-")
    output = output or folder / f"{name}.wasm"
    with tempfile.TemporaryDirectory() as temporary:
        stage = Path(temporary)
        _stage(stage, folder, project, parts)
        componentize = ["-d", stage / "wit", "-w", "built", "componentize", "component", "-o", output.absolute()]
        made = subprocess.run([*COMPONENTIZE, *componentize], cwd=stage, capture_output=True)
    if made.returncode != 0:
        raise BadPlugin(f"componentize-py failed:\n{(made.stderr + made.stdout).decode(errors='replace')}")
    return output


def _stage(stage: Path, folder: Path, project: Project, parts: dict[str, type]) -> None:
    """Puts together what goes into the component."""
    shutil.copytree(PACKAGE / "wit", stage / "wit")
    exported = "".join(f"    export {interface};\n" for interface in {"about", *parts})
    world = f"package xqute:plugin@0.1.0;\n\nworld built {{\n    include imports;\n{exported}}}\n"
    (stage / "wit" / "built.wit").write_text(world)
    left_out = shutil.ignore_patterns("__pycache__", "wit", "native", "build.py", "testing.py")
    shutil.copytree(PACKAGE, stage / "xqute_plugin", ignore=left_out)
    for source in folder.glob("**/*.py"):
        place = source.relative_to(folder)
        is_test = place.name.startswith("test_")
        if not is_test and not any(part.startswith(".") or part in LEFT_OUT for part in place.parts):
            (stage / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, stage / place)
    requirements = folder / "requirements.txt"
    if requirements.is_file():
        install = ["install", "--quiet", "--target", stage, "--requirement", requirements]
        subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    (stage / "component.py").write_text(
        "import plugin\n"
        "from xqute_plugin import about, guest\n\n"
        f"globals().update(guest.exports(plugin, about.Project({project.name!r}, {project.version!r}, {project.summary!r})))\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes a component of an xqute plugin in Python.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="the plugin's project (default: this folder)")
    parser.add_argument("-o", "--output", type=Path, help="the component (default: NAME.wasm in the project)")
    args = parser.parse_args()
    try:
        print(build(args.folder.resolve(), args.output))
    except BadPlugin as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
