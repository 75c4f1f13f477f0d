from bench.models._run import main

__all__ = ["main"]
