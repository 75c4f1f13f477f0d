"""Write the contracts' JSON Schemas: `python -m schemas.export docs/reference`."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from schemas.contracts import CONTRACTS, Contract, breaking, demands, fingerprint, json_schema
from schemas.errors import ContractError

COMMAND = "python -m schemas.export docs/reference"
INDEX = "contracts.json"


def export(directory: Path, contracts: Iterable[Contract] = tuple(CONTRACTS.values())) -> list[Path]:
    """Write a JSON Schema of each contract and an index of them into `directory`; returns the files.

    Files of earlier versions stay as they are.

    Raises:
        ContractError: a contract changed incompatibly without its version; nothing has been written.
    """
    contracts = tuple(contracts)
    for contract in contracts:
        _refuse_breaking(directory, contract)
    directory.mkdir(parents=True, exist_ok=True)
    index = {(entry["name"], entry["version"]): entry for entry in read_index(directory)}
    written: list[Path] = []
    for contract in contracts:
        index[contract.name, contract.version] = {
            "name": contract.name,
            "version": contract.version,
            "schema": contract.schema_name,
            "topics": list(contract.topics),
            "file": contract.file_name,
            "fingerprint": fingerprint(contract.model),
        }
        written.append(_write(directory / contract.file_name, json_schema(contract.model)))
    written.append(_write(directory / INDEX, [index[key] for key in sorted(index)]))
    return written


def read_index(directory: Path) -> list[dict[str, Any]]:
    """The index in `directory`, one entry a released version; empty where there is none."""
    path = directory / INDEX
    entries: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
    return entries


def _refuse_breaking(directory: Path, contract: Contract) -> None:
    path = directory / contract.file_name
    if not path.exists():
        return
    released = demands(json.loads(path.read_text("utf-8")))
    wrong = breaking(released, demands(json_schema(contract.model)), ours=contract.ours)
    if wrong:
        raise ContractError(
            f"{contract.schema_name} changed incompatibly at {', '.join(wrong)}. Raise its version in "
            f"schemas/contracts.py and in the model's field `schema`, and run the command again.",
            kept="Nothing was written.",
            next_step=COMMAND,
        )


def _write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def main(arguments: list[str]) -> int:
    """Entry point; the only argument is the directory."""
    if len(arguments) != 1:
        sys.stderr.write(f"Name the directory to write to: {COMMAND}\n")
        return 2
    try:
        written = export(Path(arguments[0]))
    except ContractError as wrong:
        sys.stderr.write(f"{wrong.message}\n{wrong.kept}\n")
        return 1
    sys.stdout.writelines(f"{path}\n" for path in written)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
