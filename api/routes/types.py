"""Types that this ledger knows, for whoever fills in a form or a table."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from api.deps import AnyCaller, ServiceDep, answer
from api.errors import documented
from api.routes.records import ISSUABLE
from api.schemas.types import TypeList
from ledger.core.typefiles import TypeDefinition

router = APIRouter(prefix="/v1/types", tags=["types"])


@router.get("", response_model=TypeList, responses=documented(401))
def types(_: AnyCaller, service: ServiceDep) -> Response:
    """可签发的记录类型。 Types of record that can be issued."""
    known = service.ledger.types.all()
    return answer({"items": [_shown(name, d) for name, d in known.items() if d.kind in ISSUABLE]})


def _shown(name: str, definition: TypeDefinition) -> dict[str, Any]:
    return {
        "name": name,
        "code": definition.code,
        "kind": definition.kind.word,
        "label": {"zh": definition.name.zh, "en": definition.name.en},
        "public": definition.public,
        "numbered": bool(definition.identifier_column or definition.serial_column),
        "fields": [
            {
                "name": f.name,
                "label": {"zh": f.label.zh, "en": f.label.en},
                "kind": f.kind,
                "required": f.required,
                "personal": f.personal,
                "public": f.public,
                "columns": list(f.columns),
            }
            for f in definition.fields
        ],
    }
