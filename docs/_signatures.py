"""For mkdocstrings: the signatures of Equinox modules and named tuples, which have no `__init__` in their source.

The names and kinds of the arguments are those of the imported class; types and defaults are as the source writes them.
"""

import importlib
import inspect
from typing import Any

import griffe


class GeneratedSignatures(griffe.Extension):
    """Gives every class whose constructor is generated from its fields the signature that it has."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Go through all modules of a package once they are loaded."""
        self._visit(pkg)

    def _visit(self, scope: griffe.Module) -> None:
        for member in list(scope.members.values()):
            if member.is_alias:
                continue
            if member.is_module:
                self._visit(member)
            elif member.is_class and not _is_dataclass(member):
                if "__init__" not in member.members:
                    self._give_signature(scope, member)
                for field in member.members.values():
                    if field.is_attribute and not field.is_alias and _is_field(field.value):
                        field.value = _default(field, None)

    def _give_signature(self, scope: griffe.Module, member: griffe.Class) -> None:
        found = getattr(importlib.import_module(scope.path), member.name)
        try:
            arguments = inspect.signature(found).parameters.values()
        except (TypeError, ValueError):
            return
        fields = _fields(member)
        if not arguments or any(argument.name not in fields for argument in arguments):
            return
        parameters = [griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)]
        for argument in arguments:
            field = fields[argument.name]
            given = argument.default is not inspect.Parameter.empty
            kind = griffe.ParameterKind[argument.kind.name.lower()]
            default = _default(field, argument.default) if given else None
            parameters.append(griffe.Parameter(argument.name, annotation=field.annotation, kind=kind, default=default))
        member.set_member(
            "__init__", griffe.Function("__init__", parameters=griffe.Parameters(*parameters), parent=member)
        )


def _fields(member: griffe.Class) -> dict[str, griffe.Attribute]:
    """The attributes of a class and of its bases."""
    try:
        bases = member.mro()
    except ValueError:
        bases = []
    attributes = {}
    for one in [*reversed(bases), member]:
        attributes |= {name: x for name, x in one.members.items() if not x.is_alias and x.is_attribute}
    return attributes


def _default(field: griffe.Attribute, value: Any) -> Any:
    """The default as it is written, also where `eqx.field(default=…)` holds it; else `value`, that of the class."""
    written = field.value
    if _is_field(written):
        written = next((a.value for a in written.arguments if getattr(a, "name", "") == "default"), None)
    return written if written is not None or value is None else repr(value)


def _is_field(value: Any) -> bool:
    return isinstance(value, griffe.ExprCall) and value.canonical_path in ("equinox.field", "dataclasses.field")


def _is_dataclass(member: griffe.Class) -> bool:
    """Whether griffe gives it a signature itself."""
    return any(getattr(d.value, "canonical_path", "") == "dataclasses.dataclass" for d in member.decorators)
