"""MJCF and URDF files, which come from anyone: what they refer to, and whether it may be read."""

import xml.etree.ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lazy_loader

mujoco: Any = lazy_loader.load("mujoco")

_LARGEST = 2**24
"""Bytes of a file: robots are described in some thousands."""
_FOLDERS = ("meshdir", "texturedir", "assetdir")


def compiled_model(path: str | Path) -> Any:
    """The `MjModel` of a file in MJCF or URDF.

    Raises `ValueError` where there is none, where it is broken, or refers to a file outside of its folder, and where
    the package `mujoco` is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no robot file {path}.")
    for file, element, name in _references(path, path.resolve().parent, frozenset()):
        if not (path.resolve().parent / name).resolve().is_relative_to(path.resolve().parent):
            raise ValueError(f"<{element}> of {file.name} names {name}, which is outside of the folder of {path}.")
    try:
        return mujoco.MjModel.from_xml_path(str(path))
    except ModuleNotFoundError as error:
        raise ValueError("To read MJCF and URDF needs the package mujoco: pip install 'symlnn[robots]'.") from error
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"MuJoCo cannot read {path}: {reason[:400]}") from error


def disabled(model: Any, flag: str) -> bool:
    """Whether a flag of <option> turns something off."""
    return bool(model.opt.disableflags & int(getattr(mujoco.mjtDisableBit, f"mjDSBL_{flag}")))


def _references(path: Path, folder: Path, above: frozenset[Path]) -> Iterator[tuple[Path, str, str]]:
    """(file, element, file or folder named) of all that a file refers to, and what it includes."""
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path} has {path.stat().st_size} bytes: a description of a robot has fewer.")
    text = path.read_bytes()
    if b"<!ENTITY" in text or b"<!DOCTYPE" in text:
        raise ValueError(f"{path} declares a document type, which no robot needs: take that out.")
    try:
        root = xml.etree.ElementTree.fromstring(text)
    except xml.etree.ElementTree.ParseError as error:
        raise ValueError(f"{path} is no XML: {error}.") from error
    for node in root.iter():
        named = [node.attrib[key] for key in ("file", "filename", *_FOLDERS) if key in node.attrib]
        for name in (name.removeprefix("file://").removeprefix("package://") for name in named):
            yield path, node.tag, name
            inner = (folder / name).resolve()
            if node.tag == "include" and inner.is_relative_to(folder) and inner.is_file():
                if inner in above:
                    raise ValueError(f"<include> of {path.name} names {name}, which includes it again.")
                yield from _references(inner, folder, above | {inner})
