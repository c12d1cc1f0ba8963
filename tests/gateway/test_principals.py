from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.access.keys import parse_key
from adapters.access.port import Principal, PrincipalKind, Role
from adapters.audit.port import AuditOutcome
from domain.actors import Channel
from gateway.oidc import OidcIssuer
from gateway.principals import TRUSTED_FOR

ISSUER = "https://id.example"


def slug(response: httpx.Response) -> str:
    return str(response.json()["type"]).rpartition("/")[2]


async def me(world: Any, key: str | None, **headers: str) -> httpx.Response:
    async with world.client(key, **headers) as client:
        response = await client.get("/v1/me")
        assert isinstance(response, httpx.Response)
        return response


async def test_a_caller_acts_as_its_principal(world: Any) -> None:
    world.open()
    response = await me(world, await world.store_key("S001"), **{"On-Behalf-Of": "customer/C-77"})
    assert response.json() == {
        "kind": "store",
        "id": "store/S001",
        "channel": "store",
        "place": "S001",
        "on_behalf_of": "customer/C-77",
    }


async def test_without_a_right_key_nobody_is_let_in(world: Any) -> None:
    world.open()
    right = await world.key()
    other = parse_key(await world.key("app"))
    assert other is not None
    wrong = [None, "", "x", right + "x", right[:-1], right.swapcase(), f"tl_{other.key_id}_{right.rpartition('_')[2]}"]
    for key in [*wrong, "tl__", "tl_abc", "tl_none_secret", "eyJhbGciOiJub25lIn0.e30."]:
        response = await me(world, key)
        assert response.status_code == 401, key
        assert slug(response) == "unauthorised"
        assert response.headers["www-authenticate"] == "Bearer"
    async with world.client(Authorization=f"Basic {right}") as client:
        assert (await client.get("/v1/me")).status_code == 401
    async with world.client() as client:
        two = [("Authorization", f"Bearer {right}"), ("Authorization", f"Bearer {right}")]
        assert (await client.get("/v1/me", headers=two)).status_code == 401


async def test_an_unknown_callers_body_is_not_read(world: Any) -> None:
    world.open()
    read = 0

    async def body() -> Any:
        nonlocal read
        read += 1
        yield b"{}"

    async with world.client("tl_none_secret") as client:
        response = await client.post("/v1/things", content=body())
    assert response.status_code == 401
    assert read == 0


async def test_an_expired_key_ends_at_its_instant(world: Any) -> None:
    world.open()
    key = await world.key(expires_at=world.now + timedelta(hours=1))
    world.pass_time(minutes=59, seconds=59)
    assert (await me(world, key)).status_code == 200
    world.pass_time(seconds=1)
    assert (await me(world, key)).status_code == 401


async def test_a_revoked_key_ends_within_seconds(world: Any) -> None:
    world.open()
    key = await world.key()
    assert (await me(world, key)).status_code == 200
    await world.principals.revoke(parse_key(key).key_id, world.now)  # type: ignore[union-attr]
    world.pass_time(seconds=TRUSTED_FOR.total_seconds())
    assert (await me(world, key)).status_code == 401


async def test_a_key_is_looked_up_once_in_a_few_seconds(world: Any) -> None:
    world.open()
    key = await world.key()
    looked_up, find_key = 0, world.principals.find_key

    async def counted(key_id: str) -> Any:
        nonlocal looked_up
        looked_up += 1
        return await find_key(key_id)

    world.principals.find_key = counted
    for _ in range(5):
        await me(world, key)
    assert looked_up == 1
    world.pass_time(seconds=TRUSTED_FOR.total_seconds())
    await me(world, key)
    assert looked_up == 2


@pytest.mark.parametrize(
    "text", ["C-77", "customer/", "staff/7", "customer/a@example.org", "customer/a b", "person/x/y"]
)
async def test_on_behalf_of_names_a_customer_or_person_and_no_address(world: Any, text: str) -> None:
    world.open()
    response = await me(world, await world.key(), **{"On-Behalf-Of": text})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/header/On-Behalf-Of"
    assert "example.org" not in response.text


async def test_a_service_acts_for_nobody(world: Any) -> None:
    world.open()
    key = await world.key("payment", kind=PrincipalKind.SERVICE, channel=Channel.SYSTEM)
    assert (await me(world, key, **{"On-Behalf-Of": "customer/C-77"})).status_code == 403


async def test_another_stores_work_does_not_exist_and_the_try_is_on_the_trail(world: Any) -> None:
    world.open()
    async with world.client(await world.store_key("S001")) as store:
        assert (await store.get("/v1/stores/S001/tasks")).status_code == 200
        assert world.audit.entries == []
        response = await store.get("/v1/stores/S002/tasks")
    assert response.status_code == 404
    assert slug(response) == "not-found"
    [entry] = world.audit.entries
    assert (entry.principal_id, entry.action, entry.object, entry.outcome, entry.at) == (
        "store/S001",
        "GET /v1/stores/{store_id}/tasks",
        "S002",
        AuditOutcome.HIDDEN,
        world.now,
    )


async def test_a_function_outside_the_role_is_forbidden_and_on_the_trail(world: Any) -> None:
    world.open()
    headers = {"Idempotency-Key": "one"}
    async with world.client(await world.store_key("S001", Role.ASSOCIATE)) as associate:
        response = await associate.post("/v1/stores/S001/unlock", headers=headers)
    assert response.status_code == 403
    assert slug(response) == "forbidden"
    async with world.client(await world.key()) as web:
        assert (await web.post("/v1/stores/S001/unlock", headers=headers)).status_code == 403
        assert (await web.get("/v1/stores/S001/tasks")).status_code == 403
    assert [entry.outcome for entry in world.audit.entries] == [AuditOutcome.REFUSED] * 3
    assert world.audit.entries[0].action == "POST /v1/stores/{store_id}/unlock"
    async with world.client(await world.store_key("S001", Role.MANAGER)) as manager:
        assert (await manager.post("/v1/stores/S001/unlock", headers=headers)).status_code == 200
        assert (await manager.post("/v1/stores/S002/unlock", headers={"Idempotency-Key": "2"})).status_code == 404


async def test_ops_act_at_any_store(world: Any) -> None:
    world.open()
    async with world.client(await world.key("ops/1", kind=PrincipalKind.OPS, channel=Channel.OPS)) as ops:
        assert (await ops.get("/v1/stores/S002/tasks")).status_code == 200


class Issuer:
    """An OIDC issuer with one key."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        self.trusted = OidcIssuer(issuer=ISSUER, audience="throughline", jwks={"keys": [jwk | {"kid": "k1"}]})

    def token(self, private: Any = None, **changed: Any) -> str:
        expires = datetime.now(UTC) + timedelta(minutes=5)
        claims = {"iss": ISSUER, "aud": "throughline", "sub": "7", "exp": expires} | changed
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, private or self.private, algorithm="ES256", headers={"kid": "k1"})


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


async def test_a_token_of_the_issuer_names_a_principal_of_ours(world: Any, issuer: Issuer) -> None:
    world.issuers = (issuer.trusted,)
    world.open()
    principal = Principal(id="ops/7", kind=PrincipalKind.OPS, channel=Channel.OPS)
    await world.principals.save(principal, issuer=ISSUER, subject="7")
    assert (await me(world, issuer.token())).json()["id"] == "ops/7"
    assert (await me(world, issuer.token(sub="8"))).status_code == 401, "whom we do not know may do nothing"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "other"},
        {"iss": "https://evil.example"},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"exp": None},
        {"sub": None},
        {"private": ec.generate_private_key(ec.SECP256R1())},
    ],
    ids=["audience", "issuer", "expired", "endless", "nobody", "signature"],
)
async def test_a_token_for_others_or_by_others_is_refused(world: Any, issuer: Issuer, changed: dict[str, Any]) -> None:
    world.issuers = (issuer.trusted,)
    world.open()
    await world.principals.save(
        Principal(id="ops/7", kind=PrincipalKind.OPS, channel=Channel.OPS), issuer=ISSUER, subject="7"
    )
    assert (await me(world, issuer.token(**changed))).status_code == 401


async def test_a_token_signed_with_a_public_key_as_secret_is_refused(world: Any, issuer: Issuer) -> None:
    world.issuers = (issuer.trusted,)
    world.open()
    claims = {"iss": ISSUER, "aud": "throughline", "sub": "7", "exp": datetime.now(UTC) + timedelta(minutes=5)}
    forged = jwt.encode(claims, "x" * 64, algorithm="HS256", headers={"kid": "k1"})
    assert (await me(world, forged)).status_code == 401
