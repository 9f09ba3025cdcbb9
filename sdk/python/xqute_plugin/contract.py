"""Makes the types of the contract importable: in a component they are there, elsewhere they lie beside this file."""

import sys
from pathlib import Path

NATIVE = Path(__file__).with_name("native")

if sys.platform != "wasi" and NATIVE.is_dir():
    sys.path.append(str(NATIVE))
