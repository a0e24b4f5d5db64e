"""All adapters: dotted paths in settings.ERP_ADAPTERS and the entry-point group `tieback.adapters`, imported on use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.metadata import entry_points
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from erp_integrations.base import Adapter
from erp_integrations.errors import ConfigurationError

ENTRY_POINT_GROUP = "tieback.adapters"


def adapter_classes() -> dict[str, type[Adapter]]:
    """Adapter classes by key, in the order of the settings."""
    return _import_all(tuple(settings.ERP_ADAPTERS))


def adapter_class(key: str) -> type[Adapter]:
    """Raises ConfigurationError when the integration is no longer installed."""
    try:
        return adapter_classes()[key]
    except KeyError:
        raise ConfigurationError(f'The integration "{key}" is not installed. Ask whoever runs this server.') from None


def sources() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Where adapters come from: a name for people, and what imports it."""
    for path in settings.ERP_ADAPTERS:
        yield path, partial(import_string, path)
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        yield f"{entry.value} (entry point {entry.name})", entry.load


@cache
def _import_all(paths: tuple[str, ...]) -> dict[str, type[Adapter]]:
    return {adapter.key: adapter for adapter in (load() for _, load in sources())}
