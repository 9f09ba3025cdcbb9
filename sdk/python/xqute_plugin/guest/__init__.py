"""What the host calls: the contract's interfaces, with a plugin's classes behind them.

One module for each interface: a component has only the types of the interfaces that it exports.
"""

from __future__ import annotations

from importlib import import_module

from .. import about


def exports(module, project: about.Project) -> dict[str, type]:
    """The classes that a component exports, by the names that componentize-py looks for."""
    parts = about.find_parts(module)
    description = about.describe(parts, project)
    classes = {"About": type("About", (), {"describe": lambda self: description})}
    for interface in parts.keys() & about.PARTS.keys():
        name = interface.capitalize()
        behind = getattr(import_module(f".{interface}", __name__), name)
        classes[name] = type(name, (behind,), {"plugin": parts[interface]()})
    return classes
