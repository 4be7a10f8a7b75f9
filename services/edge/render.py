"""From what is told and what was opened to an exchange with the recipient's system. Nothing here opens anything.

The hub's performer and an agency's own edge render by this one function.
"""

from __future__ import annotations

from adapters.exchange import Exchange, Verdict
from adapters.model import ConsentSummary, DispatchNote, RenderInput
from adapters.primero import outbound as primero
from contracts.roles import Basis, Priority, Purpose
from contracts.telling import Telling
from services.edge.opened import Opened
from services.edge.targets import PrimeroTarget


def rendered(telling: Telling, opened: Opened, target: PrimeroTarget) -> Exchange | Verdict:
    """The calls that tell it in the recipient's own format.

    Raises:
        InvalidInput: the recipient's system has no code for something; names the field.
    """
    return primero.render(render_input(telling, opened), telling.receipt, target.lookups)


def render_input(telling: Telling, opened: Opened) -> RenderInput:
    """What every outbound format is given."""
    purpose = Purpose(telling.purpose)
    return RenderInput(
        dispatch=telling.dispatch,
        case=telling.case,
        subject=telling.subject,
        case_code=telling.case_code,
        event=telling.event,
        purpose=purpose,
        basis=Basis(telling.basis),
        priority=Priority(telling.priority),
        from_agency=telling.from_agency,
        dated=telling.dated,
        groups=opened.groups,
        items=opened.items,
        notes=tuple(DispatchNote(code, person) for code, person in telling.notes),
        consent=ConsentSummary((purpose,), telling.until) if telling.consented else None,
        recalls=telling.dispatch if telling.recall else None,
    )
