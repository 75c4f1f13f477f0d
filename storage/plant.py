"""The plant file into the store: areas and vessels of units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from psycopg.types.json import Jsonb

from storage.connection import connect, translated
from storage.migrate import check
from storage.statements import statement

if TYPE_CHECKING:
    from schemas.plant import Plant


def apply_plant(conninfo: str, plant: Plant) -> list[str]:
    """Make the units of the plant file as it says; returns the keys of those that changed, audited.

    A unit that is not in the file stays as it is; one that has sent nothing yet is made.

    Raises:
        DatabaseUnreachable, DatabaseRefused, SchemaTooNew.
    """
    units = plant.units()
    names = {"sites": [site for site, _, _ in units], "units": [unit for _, unit, _ in units]}
    described = {
        **names,
        "areas": [described.area for _, _, described in units],
        "vessels": [
            None if described.vessel is None else orjson.dumps(described.vessel.model_dump()).decode()
            for _, _, described in units
        ],
    }
    with translated(conninfo), connect(conninfo, application="sparge plant") as connection:
        check(connection, conninfo)
        with connection.transaction():
            connection.execute(statement("sites_add"), names)
            connection.execute(statement("units_add"), names)
            changed = {row[0] for row in connection.execute(statement("areas_set"), described)}
            changed |= {row[0] for row in connection.execute(statement("vessels_set"), described)}
            changed |= {row[0] for row in connection.execute(statement("vessels_drop"), described)}
            if changed:
                detail = Jsonb({"units": sorted(changed)})
                connection.execute(statement("audit_add"), {"what": "plant applied", "detail": detail})
    return sorted(changed)
