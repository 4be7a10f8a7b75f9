"""Who calls: every path but the public ones wants a token that holds, and it opens its own agency's things alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.support.http_world import HttpWorld, is_problem

PUBLIC = {"/healthz", "/readyz", "/metrics", "/v1/instance", "/schemas/ids/{schema_id}",
          "/schemas/ids/{schema_id}/versions", "/subjects", "/subjects/{subject}/versions",
          "/subjects/{subject}/versions/{wanted}"}  # fmt: skip
SOME_ID = "0d2f0000-0000-8000-8000-000000000001"


def closed_operations(http: HttpWorld) -> list[tuple[str, str]]:
    """Every operation that is not public: method and a path with its parameters filled."""
    found = []
    for path, operations in http.app.openapi()["paths"].items():
        if path not in PUBLIC:
            filled = path
            for name in ("dispatch", "lane", "review", "subject", "case", "slug"):
                filled = filled.replace("{" + name + "}", SOME_ID)
            found += [(method, filled) for method in operations]
    return found


@pytest.mark.parametrize("bad", ["missing", "wrong", "basic", "expired", "revoked", "long", "strange"])
async def test_no_closed_path_answers_without_a_token_that_holds(http: HttpWorld, bad: str) -> None:
    """Missing, wrong, expired or revoked: every closed path gives the same 401 problem and says nothing else."""
    headers = await bad_headers(http, bad)
    operations = closed_operations(http)
    assert len(operations) >= 15
    answers = set()
    for method, path in operations:
        answer = await http.client.request(method, path, headers=headers)
        is_problem(answer, 401, code="bad-token")
        assert answer.headers["www-authenticate"] == "Bearer"
        answers.add(answer.text)
    assert len(answers) == 1


async def bad_headers(http: HttpWorld, bad: str) -> Mapping[str, str] | Mapping[bytes, bytes]:
    good = await http.token("shelter-th", lasts=timedelta(minutes=5))
    match bad:
        case "missing":
            return {}
        case "wrong":
            return {"Authorization": "Bearer sampan_" + "A" * 43}
        case "basic":
            return {"Authorization": good["Authorization"].replace("Bearer", "Basic")}
        case "expired":
            http.world.clock.advance(300)
            return good
        case "revoked":
            await http.world.store.pool.execute(
                "update runtime.tokens set revoked_at = $1", http.world.clock.now()
            )
            return good
        case "long":
            return {"Authorization": "Bearer sampan_" + "A" * 5000}
        case _:
            return {b"Authorization": b"Bearer sampan_\xff\xfe"}


async def test_a_token_is_kept_as_its_hash(http: HttpWorld) -> None:
    """No table holds a token."""
    secret = (await http.token("shelter-th"))["Authorization"].removeprefix("Bearer ")
    rows = await http.world.store.pool.fetch("select t::text as line from runtime.tokens t")
    assert len(rows) == 1
    assert secret not in rows[0]["line"]
    assert secret.encode().hex() not in rows[0]["line"]


async def test_a_token_speaks_for_its_agency(http: HttpWorld) -> None:
    """``/v1/me`` says whose token it is, the operator's too."""
    assert (await http.get("/v1/me", "shelter-th")).json()["agency"] == "shelter-th"
    assert (await http.get("/v1/me", "operator")).json()["agency"] == "operator"


@pytest.mark.parametrize(
    "path", ["/v1/inbox/{}", "/v1/inbox/{}/open", "/v1/cases/{}", "/v1/cases/{}/timeline"]
)
async def test_anothers_is_as_absent_as_what_never_was(http: HttpWorld, path: str) -> None:
    """Another agency's dispatch and case answer like ones that never existed, to the byte."""
    await http.world.refer()
    item = (await http.world.instance.inbox.page(http.world.agency("shelter-th"), 0, 1)).items[0]
    theirs = item.dispatch if "inbox" in path else item.case_ref
    answers = [await call(http, path.format(which), "ida-th") for which in (theirs, http.world.id())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert dict(answers[0].headers) == dict(answers[1].headers)


async def test_anothers_case_code_is_as_absent_as_one_that_never_was(http: HttpWorld) -> None:
    """A code that was given to another agency leads nowhere for this one."""
    receipt = await http.world.refer()
    never = http.world.instance.vault.case_code(http.world.id(), http.world.id())
    answers = [
        await http.get(f"/v1/cases/{code}/timeline", "shelter-th") for code in (receipt.case_code, never)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


async def test_a_person_of_anothers_case_is_as_absent_as_nobody(http: HttpWorld) -> None:
    """Nobody but the case's owner begins or confirms an erasure, or learns that there is someone."""
    receipt = await http.world.refer()
    for step in ("erasure", "erasure/confirm"):
        answers = []
        for subject in (receipt.subject_refs[0], http.world.id()):
            body: Any = {"confirm": "00000000"} if step.endswith("confirm") else None
            answers.append(await http.post(f"/v1/subjects/{subject}/{step}", "shelter-th", json=body))
        assert answers[0].status_code in (404, 409)
        assert answers[0].content == answers[1].content


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/v1/lanes"), ("GET", "/v1/dead-letters"), ("POST", f"/v1/lanes/{SOME_ID}/release"),
])  # fmt: skip
async def test_the_machinery_is_the_operators(http: HttpWorld, method: str, path: str) -> None:
    """An agency's token sees no lane and releases none."""
    answer = await http.client.request(method, path, headers=await http.token("shelter-th"))
    is_problem(answer, 403, code="operator-only")


async def call(http: HttpWorld, path: str, agency: str) -> Any:
    if path.endswith("/open"):
        return await http.post(path, agency, json={})
    return await http.get(path, agency)
