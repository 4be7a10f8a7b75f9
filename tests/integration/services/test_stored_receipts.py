"""Receipts of a running instance: verified by id and from a file, and decided anew under another law."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from routing.law import sample_rules
from services.assembly.erasure import Erasure
from tests.support.postgres import FreshDatabase
from tests.support.rules_command import run_rules, write_rules
from tests.support.services_world import CANARIES, CONSENT, ServicesWorld


async def verified(database: FreshDatabase, data: Path, *arguments: str) -> tuple[int, str]:
    """``rules verify-receipt`` beside the running instance: exit code and output."""
    done = await asyncio.to_thread(
        run_rules, "verify-receipt", *arguments, "--database", database.dsn, "--data", str(data)
    )
    return done.exit_code, done.output


def spoken(said: str) -> dict[str, Any]:
    """The line of JSON among what a command said."""
    found: dict[str, Any] = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    return found


def rows(said: str) -> list[dict[str, Any]]:
    """Its receipts."""
    found: list[dict[str, Any]] = spoken(said)["receipts"]
    return found


async def one_event(world: ServicesWorld) -> str:
    """An event of the referral."""
    async with world.store.pool.acquire() as connection:
        return str(await connection.fetchval("select event_id from router.receipts order by decided_at limit 1"))


async def test_a_receipt_is_verified_by_id_and_from_the_file_it_was_saved_to(
    world: ServicesWorld, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    """The same bytes follow from the database and, without one, from the owner's file; hashes and engine are said."""
    await world.refer()
    event, file = await one_event(world), tmp_path / "receipt.bin"
    code, said = await verified(fresh_database, tmp_path, event, "--save", str(file), "--json")
    assert code == 0, said
    (row,) = rows(said)
    assert spoken(said)["not_opened"] == 0
    assert (row["same_bytes"], row["not_at_hand"], row["event"]) == (True, [], event)
    assert row["rule_set_hash"] == world.instance.edges.law().rule_set_hash
    assert not any(word in said for word in CANARIES)
    from_file = await asyncio.to_thread(run_rules, "verify-receipt", str(file), "--json")
    assert json.loads(from_file.stdout) == {"receipts": [row], "not_opened": None}


async def test_what_is_not_at_hand_is_named_and_fails(
    world: ServicesWorld, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    """Under another rule set nothing is claimed: the rule set is named as missing, the directory is not."""
    await world.refer()
    texts = sample_rules()
    texts["01-consent.yaml"] += "# another comment\n"
    other = write_rules(tmp_path / "rules", texts)
    code, said = await verified(fresh_database, tmp_path, await one_event(world), "--rules", other, "--json")
    assert code == 1
    assert rows(said)[0]["not_at_hand"] == ["the rule set"]


async def test_a_tampered_file_and_a_strange_id_are_refused(
    world: ServicesWorld, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    """A decision about another agency does not follow, and that is said; an unknown id gives a sentence."""
    await world.refer()
    file = tmp_path / "receipt.bin"
    await verified(fresh_database, tmp_path, await one_event(world), "--save", str(file))
    content = file.read_bytes()
    assert b"IDA@TH" in content
    file.write_bytes(content.replace(b"IDA@TH", b"IDA@LA"))
    code, said = await verified(fresh_database, tmp_path, str(file))
    assert code == 1
    assert "OTHER BYTES" in said
    code, said = await verified(fresh_database, tmp_path, "00000000-0000-8000-8000-000000000000")
    assert code == 1
    assert "no receipt goes by that id" in said


async def test_a_databases_history_is_decided_anew_by_case_code(
    world: ServicesWorld, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    """Equal rules change nothing; a wider withholding opens less, by case code."""
    await world.refer()
    old = write_rules(tmp_path / "old", sample_rules())
    few, all_ = '- withhold: {to: ["RCA@*", "CON.*@*", "FTA@*"], groups: [F6]}', "- withhold: {groups: [F1]}"
    texts = {name: text.replace(few, all_) for name, text in sample_rules().items()}
    new = write_rules(tmp_path / "new", texts)
    place = ("--history", fresh_database.dsn, "--data", str(tmp_path), "--json")
    same = await asyncio.to_thread(run_rules, "diff", old, old, *place)
    assert same.exit_code == 0, same.output
    done = json.loads(same.stdout)
    async with world.store.pool.acquire() as connection:
        assert done["records"] == await connection.fetchval("select count(*) from router.receipts")
    assert done["changes"] == []
    other = await asyncio.to_thread(run_rules, "diff", old, new, *place)
    assert other.exit_code == 0, other.output
    changes = json.loads(other.stdout)["changes"]
    assert changes
    assert {(one["kind"], one["what"]) for one in changes} == {("opens-less", "F1")}
    assert all(one["case"].startswith("SP-") for one in changes)
    assert not any(word in other.output for word in CANARIES)


async def test_receipts_of_the_erased_are_counted_and_not_passed_over(
    world: ServicesWorld, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    """Of a case whose one person was erased, the other's receipts follow, and how many were not opened is said."""
    her, other = world.id(), world.id()
    receipt = await world.submit(
        subjects=[{"subject": her}, {"subject": other}], consent=CONSENT, to=["SHA@TH"]
    )
    await world.instance.settle()
    case, erasure, owner = str(receipt.case_ref), Erasure(world.instance), world.caller("ngo-th")
    before = rows((await verified(fresh_database, tmp_path, case, "--json"))[1])
    await erasure.confirm(
        owner, receipt.subject_refs[0], (await erasure.ask(owner, receipt.subject_refs[0])).confirm
    )
    code, said = await verified(fresh_database, tmp_path, case, "--json")
    assert code == 0, said
    assert (len(before), len(rows(said)), spoken(said)["not_opened"]) == (2, 1, 1)
    _, sentence = await verified(fresh_database, tmp_path, case)
    assert "1 of 1 receipts follow to the byte." in sentence
    assert "1 more could not be opened: whoever they concern was erased." in sentence
    rules = write_rules(tmp_path / "same", sample_rules())
    place = ("--history", fresh_database.dsn, "--data", str(tmp_path), "--json")
    anew = await asyncio.to_thread(run_rules, "diff", rules, rules, *place)
    assert (json.loads(anew.stdout)["records"], json.loads(anew.stdout)["not_opened"]) == (1, 1)
    await erasure.confirm(
        owner, receipt.subject_refs[1], (await erasure.ask(owner, receipt.subject_refs[1])).confirm
    )
    code, said = await verified(fresh_database, tmp_path, case)
    assert code == 1
    assert "no receipt by that id can be opened, of 2" in said
