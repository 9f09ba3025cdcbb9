"""Who a plugin is: what its classes and its project say, as the host wants it."""

from __future__ import annotations

from dataclasses import dataclass

from wit_world.exports import about as _about

from .hooks import Gatekeeper, Observer, Snippets
from .scheduler import Scheduler


class Right:
    """Something that a plugin may not do unless the user grants it."""

    Run = _about.Right_Run
    Read = _about.Right_Read
    Write = _about.Right_Write
    Net = _about.Right_Net
    Env = _about.Right_Env
    Script = _about.Right_Script


@dataclass
class Option:
    """An option that the plugin understands. Those that are not listed are refused when a user gives them."""

    name: str
    summary: str
    default: str | None = None
    repeatable: bool = False


class Plugin:
    """Says what the project does not: every attribute is optional."""

    name: str | None = None
    """1 to 32 of `a-z`, `0-9`, `-`, `_`, starting with a letter. Else the project's, without `xqute-` in front."""
    version: str | None = None
    summary: str | None = None
    """One line for the user. Else the project's description."""
    rights: list = []
    """What the plugin may ever want to do. `Right.Script()` is added where the classes need it."""
    runs: list[str] = []
    """Programs that it starts, see `process`: the rights to do so."""
    options: list[Option] = []
    priority: int = 0
    """Plugins are called, and their snippets pasted, from the highest priority to the lowest."""
    memory_mib: int | None = None
    call_ms: int | None = None
    instances: int | None = None


@dataclass
class Project:
    """What `pyproject.toml` says."""

    name: str
    version: str
    summary: str


PARTS = {"observer": Observer, "gatekeeper": Gatekeeper, "snippets": Snippets, "scheduler": Scheduler}
"""The interfaces of the contract, and their classes."""


class BadPlugin(Exception):
    """The plugin's classes do not make a plugin; the text says what to change."""


def written(base: type, cls: type) -> list[str]:
    """The functions of a base class that a class has written itself."""
    names = [name for name in vars(base) if not name.startswith("_")]
    return [name for name in names if getattr(cls, name) is not getattr(base, name)]


def find_parts(module) -> dict[str, type]:
    """The class of a module for each interface."""
    own = [cls for cls in vars(module).values() if isinstance(cls, type) and cls.__module__ == module.__name__]
    found = {}
    for interface, base in {"about": Plugin, **PARTS}.items():
        classes = [cls for cls in own if issubclass(cls, base)]
        leaves = [cls for cls in classes if not any(other is not cls and issubclass(other, cls) for other in classes)]
        if len(leaves) > 1:
            names = ", ".join(cls.__name__ for cls in leaves)
            raise BadPlugin(f"several classes are a {base.__name__}: {names}; only one may be")
        if leaves and interface in PARTS and not written(base, leaves[0]):
            raise BadPlugin(f"{leaves[0].__name__} is a {base.__name__}, but writes none of its functions")
        found.update((interface, cls) for cls in leaves)
    both = found.get("observer"), found.get("gatekeeper")
    if both[0] is not None and both[0] is both[1] and "on_shutdown" in written(Observer, both[0]):
        raise BadPlugin(f"`on_shutdown` of {both[0].__name__} is told and asked at once: write an Observer and a Gatekeeper")
    if not set(found) - {"about"}:
        names = ", ".join(base.__name__ for base in PARTS.values())
        raise BadPlugin(f"module `{module.__name__}` has no class that is one of these: {names}")
    return found


def hooks(parts: dict[str, type]) -> list:
    """The hooks that the classes have written."""
    names = set()
    for interface in ("observer", "gatekeeper", "snippets"):
        if interface in parts:
            names.update(written(PARTS[interface], parts[interface]))
    return [hook for hook in _about.Hook if f"on_{hook.name.lower()}" in names]


def describe(parts: dict[str, type], project: Project):
    """The description of the plugin that these classes make."""
    about = parts.get("about", Plugin)
    rights = [*about.rights, *(Right.Run(program) for program in about.runs)]
    scripts = "snippets" in parts or ("scheduler" in parts and "wrap" in written(Scheduler, parts["scheduler"]))
    if scripts and Right.Script() not in rights:
        rights.append(Right.Script())
    return _about.Description(
        name=about.name or project.name.removeprefix("xqute-"),
        version=about.version or project.version,
        summary=about.summary or project.summary,
        rights=rights,
        hooks=hooks(parts),
        options=[_about.OptionInfo(o.name, o.summary, o.default, o.repeatable) for o in about.options],
        limits=_about.Limits(about.memory_mib, about.call_ms, about.instances),
        priority=about.priority,
        attributes=[],
    )
