"""Puts the contract beside the package, and what componentize-py generates from it: the types, for use outside components."""

import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


class WithContract(build_py):
    def run(self):
        super().run()
        package = Path(self.build_lib, "xqute_plugin")
        contract = package / "wit"
        places = (HERE / "wit", HERE.parent.parent / "wit")
        shutil.copytree(next(place for place in places if place.is_dir()), contract, dirs_exist_ok=True)
        generate = ["-d", contract, "-w", "plugin", "bindings", package / "native"]
        shutil.rmtree(package / "native", ignore_errors=True)
        subprocess.run([sys.executable, "-c", "import componentize_py; componentize_py.script()", *generate], check=True)


setup(cmdclass={"build_py": WithContract})
